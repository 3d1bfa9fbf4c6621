/** Where a page of a list begins: after this row. */
export interface Cursor {
  createdAt: Date;
  id: string;
}
