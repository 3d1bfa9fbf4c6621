/**
 * Pairs rows and columns one to one so that the sum of their scores is highest: the Hungarian method with potentials.
 * Gives each row's column; -1 for rows that none is left for.
 */
export function assignHighest(scores: readonly (readonly number[])[], columns: number): number[] {
  const rows = scores.length;
  if (rows <= columns) return cheapest(rows, columns, (row, column) => -scores[row]![column]!);
  const result = new Array<number>(rows).fill(-1);
  cheapest(columns, rows, (column, row) => -scores[row]![column]!).forEach((row, column) => (result[row] = column));
  return result;
}

/** The column of every row, for no more rows than columns. */
function cheapest(rows: number, columns: number, cost: (row: number, column: number) => number): number[] {
  // Rows and columns count from 1; column 0 holds the row that is being placed.
  const rowPrice = new Float64Array(rows + 1);
  const columnPrice = new Float64Array(columns + 1);
  const rowOf = new Int32Array(columns + 1);
  const cameFrom = new Int32Array(columns + 1);
  for (let row = 1; row <= rows; row++) {
    rowOf[0] = row;
    let column = 0;
    const slack = new Float64Array(columns + 1).fill(Infinity);
    const visited = new Uint8Array(columns + 1);
    do {
      visited[column] = 1;
      const placing = rowOf[column]!;
      let [step, nearest] = [Infinity, 0];
      for (let other = 1; other <= columns; other++) {
        if (visited[other]) continue;
        const reduced = cost(placing - 1, other - 1) - rowPrice[placing]! - columnPrice[other]!;
        if (reduced < slack[other]!) {
          slack[other] = reduced;
          cameFrom[other] = column;
        }
        if (slack[other]! < step) [step, nearest] = [slack[other]!, other];
      }
      for (let other = 0; other <= columns; other++) {
        if (visited[other]) {
          rowPrice[rowOf[other]!]! += step;
          columnPrice[other]! -= step;
        } else {
          slack[other]! -= step;
        }
      }
      column = nearest;
    } while (rowOf[column] !== 0);
    while (column !== 0) {
      rowOf[column] = rowOf[cameFrom[column]!]!;
      column = cameFrom[column]!;
    }
  }
  const result = new Array<number>(rows).fill(-1);
  rowOf.forEach((row, column) => {
    if (column > 0 && row > 0) result[row - 1] = column - 1;
  });
  return result;
}
