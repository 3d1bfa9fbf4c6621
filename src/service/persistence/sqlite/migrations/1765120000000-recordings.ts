import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Audio of enrolments that is kept: the keys of it, and which files of deleted ones are still to be removed. */
export class Recordings1765120000000 implements MigrationInterface {
  readonly name = 'Recordings1765120000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "speaker_groups" ADD COLUMN "keeping" text`);
    await runner.query(`ALTER TABLE "receipts" ADD COLUMN "recordings" integer NOT NULL DEFAULT (0)`);
    await runner.query(`
      CREATE TABLE "kept_recordings" (
        "id" text PRIMARY KEY NOT NULL,
        "speaker_id" text NOT NULL,
        "content_sha256" text NOT NULL,
        "created_at" integer NOT NULL,
        "bytes" integer NOT NULL,
        "sealed_key" blob NOT NULL,
        CONSTRAINT "kept_recordings_of_speaker" FOREIGN KEY ("speaker_id") REFERENCES "speakers" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION
      )`);
    await runner.query(
      `CREATE UNIQUE INDEX "kept_recordings_of_one_file" ON "kept_recordings" ("speaker_id", "content_sha256")`,
    );
    await runner.query(
      `CREATE INDEX "kept_recordings_in_order" ON "kept_recordings" ("speaker_id", "created_at", "id")`,
    );
    // However a row goes, its file has to.
    await runner.query(`CREATE TABLE "deleted_recordings" ("id" text PRIMARY KEY NOT NULL) WITHOUT ROWID`);
    await runner.query(`INSERT INTO "counters" VALUES ('kept_recordings', 0), ('kept_recording_bytes', 0)`);
    await runner.query(`
      CREATE TRIGGER "kept_recordings_counted_in" AFTER INSERT ON "kept_recordings" BEGIN
        UPDATE "counters" SET "value" = "value" + 1 WHERE "name" IN ('vectors', 'kept_recordings');
        UPDATE "counters" SET "value" = "value" + NEW."bytes" WHERE "name" = 'kept_recording_bytes'; END`);
    await runner.query(`
      CREATE TRIGGER "kept_recordings_counted_out" AFTER DELETE ON "kept_recordings" BEGIN
        UPDATE "counters" SET "value" = "value" - 1 WHERE "name" IN ('vectors', 'kept_recordings');
        UPDATE "counters" SET "value" = "value" - OLD."bytes" WHERE "name" = 'kept_recording_bytes';
        INSERT OR IGNORE INTO "deleted_recordings" VALUES (OLD."id"); END`);
  }

  async down(runner: QueryRunner): Promise<void> {
    // Row by row, for the counter. Files of an older version's data folder that nobody names are nobody's.
    await runner.query(`DELETE FROM "kept_recordings" WHERE 1`);
    await runner.query(`DROP TABLE "kept_recordings"`);
    await runner.query(`DROP TABLE "deleted_recordings"`);
    await runner.query(`DELETE FROM "counters" WHERE "name" IN ('kept_recordings', 'kept_recording_bytes')`);
    await runner.query(`ALTER TABLE "receipts" DROP COLUMN "recordings"`);
    await runner.query(`ALTER TABLE "speaker_groups" DROP COLUMN "keeping"`);
  }
}
