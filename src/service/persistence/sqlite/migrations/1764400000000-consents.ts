import type { MigrationInterface, QueryRunner } from 'typeorm';
import { UUID } from './uuid.js';

/** Every consent that was given, with the one that each speaker has now as the first. */
export class Consents1764400000000 implements MigrationInterface {
  readonly name = 'Consents1764400000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "consents" (
        "id" text PRIMARY KEY NOT NULL,
        "speaker_id" text NOT NULL,
        "given_by" text NOT NULL,
        "method" text NOT NULL,
        "text_version" text NOT NULL,
        "given_at" integer NOT NULL,
        "recorded_at" integer NOT NULL,
        "withdrawn_at" integer,
        CONSTRAINT "consents_by_speaker" FOREIGN KEY ("speaker_id") REFERENCES "speakers" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION
      )`);
    await runner.query(`CREATE INDEX "consents_of_speaker" ON "consents" ("speaker_id", "recorded_at", "id")`);
    const time = (name: string): string => `CAST(ROUND(unixepoch(consent ->> '${name}', 'subsec') * 1000) AS INTEGER)`;
    await runner.query(`
      INSERT INTO "consents"
      SELECT ${UUID}, id, consent ->> 'givenBy', consent ->> 'method', consent ->> 'textVersion',
        ${time('givenAt')}, ${time('recordedAt')}, consent_withdrawn_at
      FROM "speakers" WHERE consent IS NOT NULL`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "consents"`);
  }
}
