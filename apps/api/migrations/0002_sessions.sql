CREATE TABLE "ended_sessions" (
	"session_id" uuid PRIMARY KEY NOT NULL,
	"end_time" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"transaction_id" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"generation" integer DEFAULT 0 NOT NULL,
	"rotate_time" timestamp (3) with time zone NOT NULL,
	"create_time" timestamp (3) with time zone NOT NULL,
	"last_used" timestamp (3) with time zone NOT NULL,
	"expire_time" timestamp (3) with time zone NOT NULL,
	"user_agent" text,
	"address_prefix" text
);
--> statement-breakpoint
ALTER TABLE "signing_keys" ADD COLUMN "state_time" timestamp (3) with time zone;--> statement-breakpoint
UPDATE "signing_keys" SET "state_time" = "create_time";--> statement-breakpoint
ALTER TABLE "signing_keys" ALTER COLUMN "state_time" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "ended_sessions_transaction_id" ON "ended_sessions" USING btree ("transaction_id");--> statement-breakpoint
CREATE INDEX "ended_sessions_end_time" ON "ended_sessions" USING btree ("end_time");--> statement-breakpoint
CREATE INDEX "sessions_user_id" ON "sessions" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "sessions_expire_time" ON "sessions" USING btree ("expire_time");--> statement-breakpoint
-- Sessions end with what they stood on, in the same transaction whoever changes it, and whatever else runs beside it:
-- a trigger sees the sessions that were opened while the change waited for its row; a common table expression would not.
CREATE FUNCTION "end_sessions_of_user"() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  kept text := nullif(current_setting('gatehouse.kept_session', true), '');
BEGIN
  IF kept = 'all' THEN
    RETURN NULL;
  END IF;
  DELETE FROM "sessions" WHERE "user_id" = NEW."id" AND "id"::text IS DISTINCT FROM kept;
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "users_end_sessions" AFTER UPDATE ON "users" FOR EACH ROW
  WHEN (
    OLD."password" IS DISTINCT FROM NEW."password"
    OR OLD."role" IS DISTINCT FROM NEW."role"
    OR (OLD."disabled_at" IS NULL AND NEW."disabled_at" IS NOT NULL)
  )
  EXECUTE FUNCTION "end_sessions_of_user"();--> statement-breakpoint
-- The notifications of one transaction are one: they say only that there is something to read.
CREATE FUNCTION "log_ended_session"() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  -- Not now(): a transaction may have begun long before.
  INSERT INTO "ended_sessions" ("session_id", "end_time", "transaction_id")
    VALUES (OLD."id", clock_timestamp(), pg_current_xact_id()::text::bigint)
    ON CONFLICT DO NOTHING;
  PERFORM pg_notify('gatehouse_sessions', '');
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "sessions_log_ended" AFTER DELETE ON "sessions" FOR EACH ROW
  EXECUTE FUNCTION "log_ended_session"();
