import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Profiles that learn: how recordings came to be a speaker's, the ledger, and verifications that wait to be confirmed. */
export class Ledger1764940000000 implements MigrationInterface {
  readonly name = 'Ledger1764940000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "enrollments" ADD COLUMN "kind" text`);
    await runner.query(`ALTER TABLE "enrollments" ADD COLUMN "set_aside" text`);
    await runner.query(`ALTER TABLE "speakers" ADD COLUMN "learning" text`);
    await runner.query(`ALTER TABLE "speakers" ADD COLUMN "frozen_at" integer`);
    await runner.query(`ALTER TABLE "speaker_groups" ADD COLUMN "learning" text`);
    for (const column of ['ledger_entries', 'waiting_verifications']) {
      await runner.query(`ALTER TABLE "receipts" ADD COLUMN "${column}" integer NOT NULL DEFAULT (0)`);
    }
    await runner.query(`
      CREATE TABLE "ledger" (
        "id" text PRIMARY KEY NOT NULL,
        "speaker_id" text NOT NULL,
        "created_at" integer NOT NULL,
        "by" text NOT NULL,
        "action" text NOT NULL,
        "model" text,
        "front_end" text,
        "enrollment_id" text,
        "content_sha256" text,
        "change_id" text,
        "detail" text NOT NULL,
        "undone_at" integer,
        "undone_by" text,
        CONSTRAINT "ledger_of_speaker" FOREIGN KEY ("speaker_id") REFERENCES "speakers" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION
      )`);
    await runner.query(`CREATE UNIQUE INDEX "ledger_in_order" ON "ledger" ("speaker_id", "created_at")`);
    await runner.query(`CREATE INDEX "ledger_by_content" ON "ledger" ("speaker_id", "content_sha256")`);
    await runner.query(`CREATE INDEX "ledger_by_enrollment" ON "ledger" ("speaker_id", "enrollment_id")`);
    await runner.query(`CREATE INDEX "ledger_by_change" ON "ledger" ("change_id")`);
    await runner.query(`INSERT INTO "counters" VALUES ('waiting_verifications', 0)`);
    await runner.query(`
      CREATE TABLE "waiting_verifications" (
        "id" text PRIMARY KEY NOT NULL,
        "speaker_id" text NOT NULL,
        "created_at" integer NOT NULL,
        "model" text NOT NULL,
        "front_end" text NOT NULL,
        "sealed" blob NOT NULL,
        CONSTRAINT "waiting_verifications_of_speaker" FOREIGN KEY ("speaker_id") REFERENCES "speakers" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION
      )`);
    await runner.query(
      `CREATE INDEX "waiting_verifications_in_order" ON "waiting_verifications" ("speaker_id", "created_at", "id")`,
    );
    await runner.query(`CREATE INDEX "waiting_verifications_by_age" ON "waiting_verifications" ("created_at")`);
    await runner.query(`
      CREATE TRIGGER "waiting_verifications_counted_in" AFTER INSERT ON "waiting_verifications" BEGIN
        UPDATE "counters" SET "value" = "value" + 1 WHERE "name" IN ('vectors', 'waiting_verifications'); END`);
    await runner.query(`
      CREATE TRIGGER "waiting_verifications_counted_out" AFTER DELETE ON "waiting_verifications" BEGIN
        UPDATE "counters" SET "value" = "value" - 1 WHERE "name" IN ('vectors', 'waiting_verifications'); END`);
  }

  async down(runner: QueryRunner): Promise<void> {
    // Row by row, for the counter.
    await runner.query(`DELETE FROM "waiting_verifications" WHERE 1`);
    await runner.query(`DROP TABLE "waiting_verifications"`);
    await runner.query(`DELETE FROM "counters" WHERE "name" = 'waiting_verifications'`);
    await runner.query(`DROP TABLE "ledger"`);
    for (const column of ['waiting_verifications', 'ledger_entries'])
      await runner.query(`ALTER TABLE "receipts" DROP COLUMN "${column}"`);
    await runner.query(`ALTER TABLE "speaker_groups" DROP COLUMN "learning"`);
    for (const column of ['frozen_at', 'learning'])
      await runner.query(`ALTER TABLE "speakers" DROP COLUMN "${column}"`);
    for (const column of ['set_aside', 'kind']) await runner.query(`ALTER TABLE "enrollments" DROP COLUMN "${column}"`);
  }
}
