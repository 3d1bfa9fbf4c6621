import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who is told of events, and what is to be told or was. */
export class Webhooks1764880000000 implements MigrationInterface {
  readonly name = 'Webhooks1764880000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "webhooks" (
        "id" text PRIMARY KEY NOT NULL,
        "events" text NOT NULL,
        "sealed" blob NOT NULL,
        "created_at" integer NOT NULL,
        "gone_at" integer
      )`);
    await runner.query(`
      CREATE TABLE "webhook_deliveries" (
        "id" text PRIMARY KEY NOT NULL,
        "webhook_id" text NOT NULL,
        "event" text NOT NULL,
        "body" text NOT NULL,
        "state" text NOT NULL,
        "attempts" integer NOT NULL,
        "created_at" integer NOT NULL,
        "next_at" integer NOT NULL,
        "attempted_at" integer,
        "status" integer,
        "error" text,
        CONSTRAINT "deliveries_of_webhook" FOREIGN KEY ("webhook_id") REFERENCES "webhooks" ("id")
          ON DELETE CASCADE ON UPDATE NO ACTION
      )`);
    await runner.query(
      `CREATE INDEX "webhook_deliveries_in_order" ON "webhook_deliveries" ("webhook_id", "created_at", "id")`,
    );
    await runner.query(`CREATE INDEX "webhook_deliveries_waiting" ON "webhook_deliveries" ("state", "next_at")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "webhook_deliveries"`);
    await runner.query(`DROP TABLE "webhooks"`);
  }
}
