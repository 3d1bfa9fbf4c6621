#pragma once

#include <cstddef>

namespace timbre {

/// Inner products of a query with `rows` vectors of length `dim` that lie one after the other, in single precision,
/// with the widest registers of the processor it runs on.
void dot_rows(const float* query, const float* vectors, std::size_t rows, std::size_t dim, float* products);

}  // namespace timbre
