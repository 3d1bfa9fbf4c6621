import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Speakers, their enrolments and profiles, and what the database knows about itself. */
export class Voices1764000000000 implements MigrationInterface {
  readonly name = 'Voices1764000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "speakers" (
        "id" text PRIMARY KEY NOT NULL,
        "name" text,
        "created_at" integer NOT NULL,
        "updated_at" integer NOT NULL,
        "version" integer NOT NULL
      )`);
    await runner.query(`CREATE INDEX "speakers_in_order" ON "speakers" ("created_at", "id")`);
    await runner.query(`
      CREATE TABLE "enrollments" (
        "id" text PRIMARY KEY NOT NULL,
        "speaker_id" text NOT NULL,
        "created_at" integer NOT NULL,
        "file_name" text,
        "content_sha256" text NOT NULL,
        "model" text NOT NULL,
        "front_end" text NOT NULL,
        "embedding" blob NOT NULL,
        "audio_seconds" real NOT NULL,
        "speech_seconds" real NOT NULL,
        "sample_rate" integer NOT NULL,
        "channels" integer NOT NULL,
        "snr_db" real,
        "clipped_share" real NOT NULL,
        "bandwidth_hz" real NOT NULL,
        "level_db" real NOT NULL,
        "accepted" boolean NOT NULL,
        "reasons" text NOT NULL,
        "quality" text NOT NULL,
        CONSTRAINT "enrollments_of_speaker" FOREIGN KEY ("speaker_id") REFERENCES "speakers" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION
      )`);
    await runner.query(`
      CREATE UNIQUE INDEX "enrollments_of_one_file"
        ON "enrollments" ("speaker_id", "model", "front_end", "content_sha256")`);
    await runner.query(`CREATE INDEX "enrollments_by_content" ON "enrollments" ("content_sha256")`);
    await runner.query(`
      CREATE TABLE "profiles" (
        "speaker_id" text NOT NULL,
        "model" text NOT NULL,
        "front_end" text NOT NULL,
        "centroid" blob,
        "members" text NOT NULL,
        "speech_seconds" real NOT NULL,
        "cohesion" real,
        "confidence" real NOT NULL,
        "status" text NOT NULL,
        "updated_at" integer NOT NULL,
        CONSTRAINT "profiles_of_speaker" FOREIGN KEY ("speaker_id") REFERENCES "speakers" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION,
        PRIMARY KEY ("speaker_id", "model", "front_end")
      )`);
    await runner.query(`
      CREATE INDEX "profiles_of_model" ON "profiles" ("model", "front_end", "status", "speaker_id")`);
    await runner.query(`CREATE TABLE "settings" ("name" text PRIMARY KEY NOT NULL, "value" blob NOT NULL)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['settings', 'profiles', 'enrollments', 'speakers']) {
      await runner.query(`DROP TABLE "${table}"`);
    }
  }
}
