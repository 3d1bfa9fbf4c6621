import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Jobs and their recordings. */
export class Jobs1764100000000 implements MigrationInterface {
  readonly name = 'Jobs1764100000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "jobs" (
        "id" text PRIMARY KEY NOT NULL,
        "state" text NOT NULL,
        "created_at" integer NOT NULL,
        "started_at" integer,
        "finished_at" integer,
        "total" integer NOT NULL,
        "done" integer NOT NULL,
        "failed" integer NOT NULL,
        "cancelled" integer NOT NULL,
        "last_event" integer NOT NULL
      )`);
    await runner.query(`CREATE INDEX "jobs_in_order" ON "jobs" ("created_at", "id")`);
    await runner.query(`CREATE INDEX "jobs_by_state" ON "jobs" ("state", "created_at")`);
    await runner.query(`
      CREATE TABLE "job_items" (
        "job_id" text NOT NULL,
        "position" integer NOT NULL,
        "speaker_id" text,
        "file_name" text,
        "path" text,
        "state" text NOT NULL,
        "enrollment_id" text,
        "duplicate" boolean,
        "accepted" boolean,
        "error_code" text,
        "error_message" text,
        "event" integer,
        "settled_at" integer,
        CONSTRAINT "job_items_of_job" FOREIGN KEY ("job_id") REFERENCES "jobs" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION,
        PRIMARY KEY ("job_id", "position")
      )`);
    await runner.query(`CREATE INDEX "job_items_by_state" ON "job_items" ("job_id", "state", "position")`);
    await runner.query(`CREATE INDEX "job_items_by_event" ON "job_items" ("job_id", "event")`);
    await runner.query(`CREATE INDEX "job_items_of_speaker" ON "job_items" ("speaker_id")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['job_items', 'jobs']) await runner.query(`DROP TABLE "${table}"`);
  }
}
