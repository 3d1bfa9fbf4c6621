#pragma once

#include <cstddef>

namespace timbre::simd {

/// Units of the one LSTM there is, Silero's.
constexpr std::size_t kLstmUnits = 128;

/// One step of an LSTM of kLstmUnits. `recurrent` is [gate][from unit][to unit] and `gates` [gate][unit], what the
/// input gives to them with the biases: input, forget, cell, output. `hidden` and `cell` are read and written.
void lstm_step(const float* recurrent, const float* gates, float* hidden, float* cell);

}  // namespace timbre::simd
