/** A group of speakers, by its own name and by the one that callers gave it. */
export interface GroupRef {
  /** UUID; a group added anew under the same id has another. */
  uid: string;
  /** Never changes while the group is there. */
  id: string;
}
