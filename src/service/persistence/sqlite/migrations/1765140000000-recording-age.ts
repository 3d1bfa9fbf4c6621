import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Kept recordings by their age; who is left, in the row of a re-embedding. */
export class RecordingAge1765140000000 implements MigrationInterface {
  readonly name = 'RecordingAge1765140000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE INDEX "kept_recordings_by_age" ON "kept_recordings" ("created_at", "id")`);
    await runner.query(`ALTER TABLE "re_embeddings" ADD COLUMN "left_people" integer`);
    await runner.query(`ALTER TABLE "re_embeddings" ADD COLUMN "left_without_audio" integer`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "re_embeddings" DROP COLUMN "left_without_audio"`);
    await runner.query(`ALTER TABLE "re_embeddings" DROP COLUMN "left_people"`);
    await runner.query(`DROP INDEX "kept_recordings_by_age"`);
  }
}
