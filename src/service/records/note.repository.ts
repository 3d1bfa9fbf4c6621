/** What the service remembers from one start to the next, by name. */
export abstract class NoteRepository {
  abstract read(name: string): Promise<string | null>;

  abstract write(name: string, text: string): Promise<void>;
}
