#include "conversation/assignment.h"

#include <algorithm>
#include <limits>

namespace timbre::conversation {

namespace {

/// The column of every row, for no more rows than columns. cost(row, column) is minimised.
template <typename Cost>
std::vector<std::size_t> cheapest(std::size_t rows, std::size_t columns, const Cost& cost) {
  // Rows and columns from 1; column 0 holds the row that is being placed.
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  std::vector<double> row_price(rows + 1);
  std::vector<double> column_price(columns + 1);
  std::vector<std::size_t> row_of(columns + 1);
  std::vector<std::size_t> came_from(columns + 1);
  for (std::size_t row = 1; row <= rows; ++row) {
    row_of[0] = row;
    std::size_t column = 0;
    std::vector<double> slack(columns + 1, kInfinite);
    std::vector<bool> visited(columns + 1);
    do {
      visited[column] = true;
      const std::size_t placing = row_of[column];
      double step = kInfinite;
      std::size_t nearest = 0;
      for (std::size_t other = 1; other <= columns; ++other) {
        if (visited[other]) continue;
        const double reduced = cost(placing - 1, other - 1) - row_price[placing] - column_price[other];
        if (reduced < slack[other]) {
          slack[other] = reduced;
          came_from[other] = column;
        }
        if (slack[other] < step) {
          step = slack[other];
          nearest = other;
        }
      }
      for (std::size_t other = 0; other <= columns; ++other) {
        if (visited[other]) {
          row_price[row_of[other]] += step;
          column_price[other] -= step;
        } else {
          slack[other] -= step;
        }
      }
      column = nearest;
    } while (row_of[column] != 0);
    while (column != 0) {
      row_of[column] = row_of[came_from[column]];
      column = came_from[column];
    }
  }
  std::vector<std::size_t> result(rows);
  for (std::size_t column = 1; column <= columns; ++column) {
    if (row_of[column] != 0) result[row_of[column] - 1] = column - 1;
  }
  return result;
}

}  // namespace

std::vector<std::optional<std::size_t>> assign_highest(std::span<const float> scores, std::size_t rows,
                                                       std::size_t columns) {
  const auto cost = [&](std::size_t row, std::size_t column) {
    return -static_cast<double>(scores[row * columns + column]);
  };
  std::vector<std::optional<std::size_t>> result(rows);
  if (rows <= columns) {
    const auto column_of = cheapest(rows, columns, cost);
    std::ranges::copy(column_of, result.begin());
    return result;
  }
  const auto row_of = cheapest(columns, rows, [&](std::size_t column, std::size_t row) { return cost(row, column); });
  for (std::size_t column = 0; column < columns; ++column) result[row_of[column]] = column;
  return result;
}

}  // namespace timbre::conversation
