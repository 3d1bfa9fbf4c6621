import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Conversations, and recordings of jobs that are one. */
export class Conversations1764920000000 implements MigrationInterface {
  readonly name = 'Conversations1764920000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "conversations" (
        "id" text PRIMARY KEY NOT NULL,
        "state" text NOT NULL,
        "created_at" integer NOT NULL,
        "finished_at" integer,
        "job_id" text,
        "file_name" text,
        "question" text NOT NULL,
        "findings" text,
        "error_code" text,
        "error_message" text,
        CONSTRAINT "conversations_by_job" FOREIGN KEY ("job_id") REFERENCES "jobs" ("id")
          ON DELETE SET NULL ON UPDATE NO ACTION
      )`);
    await runner.query('CREATE INDEX "conversations_in_order" ON "conversations" ("created_at", "id")');
    await runner.query('CREATE INDEX "conversations_by_end" ON "conversations" ("finished_at")');
    await runner.query('CREATE INDEX "conversations_of_job" ON "conversations" ("job_id")');
    await runner.query(`INSERT INTO "counters" VALUES ('conversations', 0)`);
    await runner.query(`
      CREATE TRIGGER "conversations_counted_in" AFTER INSERT ON "conversations" BEGIN
        UPDATE "counters" SET "value" = "value" + 1 WHERE "name" = 'conversations'; END`);
    await runner.query(`
      CREATE TRIGGER "conversations_counted_out" AFTER DELETE ON "conversations" BEGIN
        UPDATE "counters" SET "value" = "value" - 1 WHERE "name" = 'conversations'; END`);
    await runner.query(`ALTER TABLE "job_items" ADD COLUMN "conversation_id" text`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "job_items" DROP COLUMN "conversation_id"`);
    await runner.query(`DROP TABLE "conversations"`);
    await runner.query(`DELETE FROM "counters" WHERE "name" = 'conversations'`);
  }
}
