import type { MigrationInterface, QueryRunner } from 'typeorm';

const TEXT = 'text COLLATE "C"';

/** Audio of enrolments that is kept, and the keys of it. */
export class Recordings1765120000000 implements MigrationInterface {
  readonly name = 'Recordings1765120000000';

  async up(runner: QueryRunner): Promise<void> {
    const own = `SET search_path = "${(await runner.getCurrentSchema())!}", pg_temp`;
    await runner.query(`ALTER TABLE "speaker_groups" ADD COLUMN "keeping" ${TEXT}`);
    await runner.query(`ALTER TABLE "receipts" ADD COLUMN "recordings" bigint NOT NULL DEFAULT 0`);
    await runner.query(`
      CREATE TABLE "kept_recordings" (
        "id" ${TEXT} NOT NULL,
        "speaker_id" ${TEXT} NOT NULL,
        "content_sha256" ${TEXT} NOT NULL,
        "created_at" bigint NOT NULL,
        "bytes" bigint NOT NULL,
        "sealed_key" bytea NOT NULL,
        PRIMARY KEY ("id"),
        CONSTRAINT "kept_recordings_of_speaker" FOREIGN KEY ("speaker_id") REFERENCES "speakers" ("id") ON DELETE CASCADE
      )`);
    await runner.query(
      `CREATE UNIQUE INDEX "kept_recordings_of_one_file" ON "kept_recordings" ("speaker_id", "content_sha256")`,
    );
    await runner.query(
      `CREATE INDEX "kept_recordings_in_order" ON "kept_recordings" ("speaker_id", "created_at", "id")`,
    );
    // Written before the record that names them, so nothing refers to it. What is encrypted does not get shorter.
    await runner.query(`
      CREATE TABLE "kept_audio" (
        "recording_id" ${TEXT} NOT NULL,
        "piece" integer NOT NULL,
        "stored_at" bigint NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
        "sealed" bytea NOT NULL,
        PRIMARY KEY ("recording_id", "piece")
      )`);
    await runner.query(`ALTER TABLE "kept_audio" ALTER COLUMN "sealed" SET STORAGE EXTERNAL`);
    await runner.query(`INSERT INTO "counters" VALUES ('kept_recordings', 0), ('kept_recording_bytes', 0)`);
    await runner.query(`
      CREATE FUNCTION "kept_recordings_counted"() RETURNS trigger LANGUAGE plpgsql ${own} AS $$ BEGIN
        IF TG_OP = 'INSERT' THEN
          UPDATE "counters" SET "value" = "value" + 1 WHERE "name" IN ('vectors', 'kept_recordings');
          UPDATE "counters" SET "value" = "value" + NEW."bytes" WHERE "name" = 'kept_recording_bytes';
        ELSE
          UPDATE "counters" SET "value" = "value" - 1 WHERE "name" IN ('vectors', 'kept_recordings');
          UPDATE "counters" SET "value" = "value" - OLD."bytes" WHERE "name" = 'kept_recording_bytes';
          DELETE FROM "kept_audio" WHERE "recording_id" = OLD."id";
        END IF;
        RETURN NULL;
      END $$`);
    await runner.query(`
      CREATE TRIGGER "kept_recordings_counted" AFTER INSERT OR DELETE ON "kept_recordings"
        FOR EACH ROW EXECUTE FUNCTION "kept_recordings_counted"()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM "kept_recordings"`);
    await runner.query(`DROP TABLE "kept_recordings" CASCADE`);
    await runner.query(`DROP TABLE "kept_audio"`);
    await runner.query(`DROP FUNCTION "kept_recordings_counted"`);
    await runner.query(`DELETE FROM "counters" WHERE "name" IN ('kept_recordings', 'kept_recording_bytes')`);
    await runner.query(`ALTER TABLE "receipts" DROP COLUMN "recordings"`);
    await runner.query(`ALTER TABLE "speaker_groups" DROP COLUMN "keeping"`);
  }
}
