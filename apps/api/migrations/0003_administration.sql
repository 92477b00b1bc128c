CREATE TABLE "audit_events" (
	"id" uuid PRIMARY KEY NOT NULL,
	"time" timestamp (3) with time zone NOT NULL,
	"event" text NOT NULL,
	"outcome" text NOT NULL,
	"actor" text NOT NULL,
	"actor_id" uuid,
	"subject_id" uuid,
	"address_prefix" text,
	"request_id" text,
	"details" jsonb,
	CONSTRAINT "audit_events_outcome" CHECK ("audit_events"."outcome" in ('success', 'failure')),
	CONSTRAINT "audit_events_actor_known" CHECK ("audit_events"."actor" in ('user', 'operator', 'system', 'anonymous'))
);
--> statement-breakpoint
CREATE TABLE "imported_users" (
	"source" text NOT NULL,
	"source_key" text NOT NULL,
	"user_id" uuid,
	"import_time" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "imported_users_source_source_key_pk" PRIMARY KEY("source","source_key")
);
--> statement-breakpoint
CREATE TABLE "known_networks" (
	"user_id" uuid NOT NULL,
	"address_prefix" text NOT NULL,
	"last_sign_in" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "known_networks_user_id_address_prefix_pk" PRIMARY KEY("user_id","address_prefix")
);
--> statement-breakpoint
CREATE TABLE "password_resets" (
	"user_id" uuid PRIMARY KEY NOT NULL,
	"code_hash" text NOT NULL,
	"create_time" timestamp (3) with time zone NOT NULL,
	"expire_time" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "password_resets_code_hash_unique" UNIQUE("code_hash")
);
--> statement-breakpoint
CREATE TABLE "rate_limits" (
	"key" text PRIMARY KEY NOT NULL,
	"points" integer NOT NULL,
	"expire" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "imported_users" ADD CONSTRAINT "imported_users_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "known_networks" ADD CONSTRAINT "known_networks_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "password_resets" ADD CONSTRAINT "password_resets_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "audit_events_subject" ON "audit_events" USING btree ("subject_id","id");--> statement-breakpoint
CREATE INDEX "audit_events_actor" ON "audit_events" USING btree ("actor_id","id");--> statement-breakpoint
CREATE INDEX "audit_events_event" ON "audit_events" USING btree ("event","id");--> statement-breakpoint
CREATE INDEX "audit_events_outcome_id" ON "audit_events" USING btree ("outcome","id");--> statement-breakpoint
CREATE INDEX "imported_users_user_id" ON "imported_users" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "known_networks_last_sign_in" ON "known_networks" USING btree ("last_sign_in");--> statement-breakpoint
CREATE INDEX "rate_limits_expire" ON "rate_limits" USING btree ("expire");--> statement-breakpoint
CREATE INDEX "users_administrators" ON "users" USING btree ("username_key") WHERE "users"."role" = 'admin';--> statement-breakpoint
CREATE INDEX "users_disabled" ON "users" USING btree ("username_key") WHERE "users"."disabled_at" is not null;--> statement-breakpoint
-- Names are compared by bytes: their order is no language's, and a prefix is a range of the index.
ALTER TABLE "users" ALTER COLUMN "username_key" SET DATA TYPE text COLLATE "C";--> statement-breakpoint
-- As before, and an unspent reset code goes with what it was made for.
CREATE OR REPLACE FUNCTION "end_sessions_of_user"() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  kept text := nullif(current_setting('gatehouse.kept_session', true), '');
BEGIN
  IF kept = 'all' THEN
    RETURN NULL;
  END IF;
  DELETE FROM "sessions" WHERE "user_id" = NEW."id" AND "id"::text IS DISTINCT FROM kept;
  DELETE FROM "password_resets" WHERE "user_id" = NEW."id";
  RETURN NULL;
END
$$;--> statement-breakpoint
-- Whoever takes an administrator away does it in turn, and looks at what the one before left: of two at once, one is refused.
CREATE FUNCTION "keep_an_administrator"() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7483920118);
  IF NOT EXISTS (SELECT FROM "users" WHERE "role" = 'admin' AND "disabled_at" IS NULL) THEN
    RAISE EXCEPTION 'this is the last administrator' USING ERRCODE = 'UG001';
  END IF;
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "users_keep_an_administrator" AFTER UPDATE ON "users" FOR EACH ROW
  WHEN (OLD."role" = 'admin' AND OLD."disabled_at" IS NULL AND (NEW."role" <> 'admin' OR NEW."disabled_at" IS NOT NULL))
  EXECUTE FUNCTION "keep_an_administrator"();--> statement-breakpoint
CREATE TRIGGER "users_keep_an_administrator_here" AFTER DELETE ON "users" FOR EACH ROW
  WHEN (OLD."role" = 'admin' AND OLD."disabled_at" IS NULL)
  EXECUTE FUNCTION "keep_an_administrator"();--> statement-breakpoint
-- Events are added and, once old, removed by the cleaning, which says so; nothing else touches them.
CREATE FUNCTION "keep_audit_events"() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('gatehouse.audit_cleaning', true) = 'on' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'audit events are only added' USING ERRCODE = 'UG002';
END
$$;--> statement-breakpoint
CREATE TRIGGER "audit_events_stay" BEFORE UPDATE OR DELETE ON "audit_events" FOR EACH ROW
  EXECUTE FUNCTION "keep_audit_events"();--> statement-breakpoint
CREATE TRIGGER "audit_events_stay_all" BEFORE TRUNCATE ON "audit_events" FOR EACH STATEMENT
  EXECUTE FUNCTION "keep_audit_events"();
