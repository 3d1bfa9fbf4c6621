import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Versions of jobs, leases of their recordings, counters in the place of counting, enrolments in the order in which they
 * are listed, and the answers to requests that came with an idempotency key.
 */
export class Work1764700000000 implements MigrationInterface {
  readonly name = 'Work1764700000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "jobs" ADD COLUMN "version" integer NOT NULL DEFAULT 1`);
    await runner.query(`ALTER TABLE "job_items" ADD COLUMN "lease" text`);
    await runner.query(`ALTER TABLE "job_items" ADD COLUMN "lease_until" integer`);
    await runner.query(`CREATE TABLE "counters" ("name" text PRIMARY KEY NOT NULL, "value" integer NOT NULL)`);
    await runner.query(`
      INSERT INTO "counters" VALUES
        ('speakers', (SELECT COUNT(*) FROM "speakers")),
        ('jobs', (SELECT COUNT(*) FROM "jobs")),
        ('vectors', (SELECT COUNT(*) FROM "enrollments") + (SELECT COUNT("centroid") FROM "profiles"))`);
    for (const [table, counter, ofRow] of COUNTED) {
      await runner.query(`
        CREATE TRIGGER "${table}_counted_in" AFTER INSERT ON "${table}" BEGIN
          UPDATE "counters" SET "value" = "value" + ${ofRow('NEW')} WHERE "name" = '${counter}'; END`);
      await runner.query(`
        CREATE TRIGGER "${table}_counted_out" AFTER DELETE ON "${table}" BEGIN
          UPDATE "counters" SET "value" = "value" - ${ofRow('OLD')} WHERE "name" = '${counter}'; END`);
    }
    await runner.query(`
      CREATE TRIGGER "profiles_counted_anew" AFTER UPDATE OF "centroid" ON "profiles"
      WHEN (OLD."centroid" IS NULL) <> (NEW."centroid" IS NULL) BEGIN
        UPDATE "counters" SET "value" = "value" + (NEW."centroid" IS NOT NULL) - (OLD."centroid" IS NOT NULL)
        WHERE "name" = 'vectors'; END`);
    await runner.query(`
      CREATE TABLE "answers" (
        "key" text PRIMARY KEY NOT NULL,
        "request" text NOT NULL,
        "answer" text NOT NULL,
        "speaker_id" text,
        "created_at" integer NOT NULL,
        CONSTRAINT "answers_about_speaker" FOREIGN KEY ("speaker_id") REFERENCES "speakers" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION
      )`);
    await runner.query(`CREATE INDEX "enrollments_in_order" ON "enrollments" ("speaker_id", "created_at", "id")`);
    await runner.query(`CREATE INDEX "answers_in_time" ON "answers" ("created_at")`);
    await runner.query(`CREATE INDEX "answers_of_speaker" ON "answers" ("speaker_id")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX "enrollments_in_order"`);
    await runner.query(`DROP TABLE "answers"`);
    await runner.query(`DROP TRIGGER "profiles_counted_anew"`);
    for (const [table] of COUNTED) {
      for (const way of ['in', 'out']) await runner.query(`DROP TRIGGER "${table}_counted_${way}"`);
    }
    await runner.query(`DROP TABLE "counters"`);
    for (const column of ['lease_until', 'lease'])
      await runner.query(`ALTER TABLE "job_items" DROP COLUMN "${column}"`);
    await runner.query(`ALTER TABLE "jobs" DROP COLUMN "version"`);
  }
}

/** Tables, the counter that each moves, and by how much a row does. */
const COUNTED: readonly (readonly [table: string, counter: string, ofRow: (row: string) => string])[] = [
  ['speakers', 'speakers', () => '1'],
  ['jobs', 'jobs', () => '1'],
  ['enrollments', 'vectors', () => '1'],
  ['profiles', 'vectors', (row) => `(${row}."centroid" IS NOT NULL)`],
];
