import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Embedding kept recordings by another model: how far it is, and of whom it failed. */
export class ReEmbedding1765130000000 implements MigrationInterface {
  readonly name = 'ReEmbedding1765130000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "re_embeddings" (
        "id" text PRIMARY KEY NOT NULL,
        "state" text NOT NULL,
        "model" text NOT NULL,
        "front_end" text NOT NULL,
        "by" text NOT NULL,
        "created_at" integer NOT NULL,
        "finished_at" integer,
        "phase" text NOT NULL,
        "place" text NOT NULL,
        "people" integer NOT NULL,
        "done" integer NOT NULL,
        "failed" integer NOT NULL,
        "recordings" integer NOT NULL,
        "removed" integer NOT NULL,
        "error" text
      )`);
    await runner.query(
      `CREATE UNIQUE INDEX "re_embeddings_running" ON "re_embeddings" ("state") WHERE "state" = 'running'`,
    );
    await runner.query(`CREATE INDEX "re_embeddings_in_order" ON "re_embeddings" ("created_at")`);
    await runner.query(`
      CREATE TABLE "re_embedding_failures" (
        "speaker_id" text PRIMARY KEY NOT NULL,
        "code" text NOT NULL,
        "failed_at" integer NOT NULL,
        CONSTRAINT "re_embedding_failures_of_speaker" FOREIGN KEY ("speaker_id") REFERENCES "speakers" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "re_embedding_failures"`);
    await runner.query(`DROP TABLE "re_embeddings"`);
  }
}
