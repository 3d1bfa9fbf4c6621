import type { MigrationInterface, QueryRunner } from 'typeorm';

const TEXT = 'text COLLATE "C"';

/** Embedding kept recordings by another model: how far it is, and of whom it failed. */
export class ReEmbedding1765130000000 implements MigrationInterface {
  readonly name = 'ReEmbedding1765130000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "re_embeddings" (
        "id" ${TEXT} NOT NULL,
        "state" ${TEXT} NOT NULL,
        "model" ${TEXT} NOT NULL,
        "front_end" ${TEXT} NOT NULL,
        "by" ${TEXT} NOT NULL,
        "created_at" bigint NOT NULL,
        "finished_at" bigint,
        "phase" ${TEXT} NOT NULL,
        "place" ${TEXT} NOT NULL,
        "people" bigint NOT NULL,
        "done" bigint NOT NULL,
        "failed" bigint NOT NULL,
        "recordings" bigint NOT NULL,
        "removed" bigint NOT NULL,
        "error" ${TEXT},
        PRIMARY KEY ("id")
      )`);
    await runner.query(
      `CREATE UNIQUE INDEX "re_embeddings_running" ON "re_embeddings" ("state") WHERE "state" = 'running'`,
    );
    await runner.query(`CREATE INDEX "re_embeddings_in_order" ON "re_embeddings" ("created_at")`);
    await runner.query(`
      CREATE TABLE "re_embedding_failures" (
        "speaker_id" ${TEXT} NOT NULL,
        "code" ${TEXT} NOT NULL,
        "failed_at" bigint NOT NULL,
        PRIMARY KEY ("speaker_id"),
        CONSTRAINT "re_embedding_failures_of_speaker" FOREIGN KEY ("speaker_id") REFERENCES "speakers" ("id")
          ON DELETE CASCADE
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "re_embedding_failures"`);
    await runner.query(`DROP TABLE "re_embeddings"`);
  }
}
