/** A password and what another system stored for it. */
export type HashVector = [origin: string, password: string, stored: string]

const long = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'

/** Answers known from elsewhere: of every scheme and notation that is read. */
export const hashVectors: HashVector[] = [
  ['jBCrypt, no characters', '', '$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.'],
  ['jBCrypt, one character', 'a', '$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe'],
  ['jBCrypt', 'abc', '$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i'],
  ['crypt_blowfish', 'U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['crypt_blowfish, 72 bytes', long, '$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui'],
  ['libxcrypt, UTF-8', 'naïve café', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.7pQR26WHEqv4qWiL5xfJt1AYHdVhcXW'],
  ['libxcrypt, as PHP writes it', 'correct horse battery', '$2y$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.'],
  [
    'RFC 7914 §12, third vector',
    'password',
    '$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA',
  ],
  [
    'RFC 7914 §12, fourth vector',
    'pleaseletmein',
    '$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw',
  ],
  [
    'passlib’s documentation, scrypt',
    'password',
    '$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E',
  ],
  ['RFC 6070, 4096 iterations', 'password', '$pbkdf2$4096$c2FsdA$SwB5AbdlSJq.rUnZJvch0GWkKcE'],
  ['RFC 7914 §11', 'passwd', '$pbkdf2-sha256$1$c2FsdA$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw'],
  [
    'passlib’s documentation, PBKDF2',
    'password',
    '$pbkdf2-sha256$6400$.6UI/S.nXIk8jcbdHx3Fhg$98jZicV16ODfEsEZeYPGHU3kbrUrvUEXOPimVSQDD44',
  ],
  ['hashlib, passlib’s PBKDF2 with SHA-1', 'naïve café', '$pbkdf2$1000$4OHi4.Tl5ufo6err7O3u7w$oPpSUgrYAahOmG3SLJ8PMd1iBd0'],
  [
    'hashlib, passlib’s PBKDF2 with SHA-512',
    'naïve café',
    '$pbkdf2-sha512$1000$4OHi4.Tl5ufo6err7O3u7w$vW3of/7jteUsqKF8MjSc4oar0vSicmYkhlwVB4Kb99/bOKeI3RscjP/am3WQHSgC.spcskD1LDwADr0K07i8Zw',
  ],
  [
    'hashlib, Django’s PBKDF2 with SHA-256',
    'naïve café',
    'pbkdf2_sha256$1000$q1w2e3r4t5y6$Lrzs76dHrzk1MlmpEExEOSfR+Jw5LqSzprkWkmBmRmM=',
  ],
  ['hashlib, Django’s PBKDF2 with SHA-1', 'naïve café', 'pbkdf2_sha1$1000$q1w2e3r4t5y6$gVkC663dMfeDX2Q4KRiwnEZA3oE='],
  [
    'the reference implementation’s tests, argon2id',
    'password',
    '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
  ],
  [
    'the reference implementation’s tests, argon2i',
    'password',
    '$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA',
  ],
  [
    'the reference implementation’s tests, argon2i with little memory',
    'password',
    '$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8',
  ],
  [
    'OpenSSL and @noble/hashes, argon2d',
    'password',
    '$argon2d$v=19$m=256,t=2,p=2$c29tZXNhbHQ$e2nJLXw4iarRKB28i678Esw3yA8cdeM+8sLUDCjrxXM',
  ],
]
