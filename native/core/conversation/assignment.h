#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace timbre::conversation {

/// Pairs rows and columns one to one so that the sum of their scores is highest (the Hungarian method with potentials,
/// O(rows^2 columns)). scores: [rows][columns], finite. Gives each row's column; where there are more rows than
/// columns, some rows have none.
std::vector<std::optional<std::size_t>> assign_highest(std::span<const float> scores, std::size_t rows,
                                                       std::size_t columns);

}  // namespace timbre::conversation
