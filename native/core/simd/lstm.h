#pragma once

#include <cstddef>
#include <span>

namespace timbre::simd {

/// Units of the LSTMs there are, of Silero and of the segmentation network.
constexpr std::size_t kLstmUnits = 128;

/// What an LSTM of kLstmUnits works on at a step. `gates` is [gate][unit], what the input gives to them with the
/// biases: input, forget, cell, output. `hidden` and `cell` are read and written.
struct LstmStream {
  const float* gates;
  float* hidden;
  float* cell;
};

constexpr std::size_t kMostLstmStreams = 4;

/// One step of at most kMostLstmStreams, each as if it were alone: the weights are read once for all of them.
/// `recurrent` is [gate][from unit][to unit].
void lstm_step(const float* recurrent, std::span<const LstmStream> streams);

}  // namespace timbre::simd
