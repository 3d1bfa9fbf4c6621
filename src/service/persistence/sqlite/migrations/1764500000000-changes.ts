import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The change feed, and receipts of erasures. */
export class Changes1764500000000 implements MigrationInterface {
  readonly name = 'Changes1764500000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "changes" (
        "seq" integer PRIMARY KEY AUTOINCREMENT NOT NULL,
        "kind" text NOT NULL,
        "about" text NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE "receipts" (
        "id" text PRIMARY KEY NOT NULL,
        "subject" text NOT NULL,
        "erased_at" integer NOT NULL,
        "by" text NOT NULL,
        "enrollments" integer NOT NULL,
        "profiles" integer NOT NULL,
        "consents" integer NOT NULL,
        "job_recordings" integer NOT NULL,
        "wiped_at" integer
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['receipts', 'changes']) await runner.query(`DROP TABLE "${table}"`);
  }
}
