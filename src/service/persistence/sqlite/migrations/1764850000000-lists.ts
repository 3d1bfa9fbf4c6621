import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A page of a list costs no more than its rows: an index for each order in which rows are listed. */
export class Lists1764850000000 implements MigrationInterface {
  readonly name = 'Lists1764850000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX "audit_of_subject_in_time" ON "audit" ("subject", "at")');
    await runner.query('CREATE INDEX "jobs_by_end" ON "jobs" ("finished_at")');
    await runner.query('DROP INDEX "job_items_of_speaker"');
    await runner.query('CREATE INDEX "job_items_of_speaker" ON "job_items" ("speaker_id", "job_id", "position")');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX "job_items_of_speaker"');
    await runner.query('CREATE INDEX "job_items_of_speaker" ON "job_items" ("speaker_id")');
    await runner.query('DROP INDEX "jobs_by_end"');
    await runner.query('DROP INDEX "audit_of_subject_in_time"');
  }
}
