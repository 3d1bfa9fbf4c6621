#include "network/campplus.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "network/page_buffer.h"
#include "network/parts.h"
#include "network/read_module.h"
#include "simd/aligned.h"
#include "simd/matrix.h"
#include "simd/planes.h"
#include "simd/vectors.h"

namespace timbre::network {

namespace {

using simd::AlignedFloats;
using simd::ConstPhaseRows;
using simd::ConstRows;
using simd::kPhases;
using simd::kPoints;
using simd::PhaseRows;
using torch::jit::Module;

/// Taps of a convolution over frequency and time, in each direction.
constexpr std::size_t kTaps = 3;
/// Frames that the TDNN behind the head hears, and how far it steps.
constexpr std::size_t kTdnnTaps = 5;
constexpr std::size_t kStride = 2;
static_assert(kPhases == 2 * kStride);
/// Frames whose head is computed together.
constexpr std::size_t kHeadFrames = 384;
/// Frames on either side that the head's ten convolutions and the TDNN hear, in whole fours.
constexpr std::size_t kReach = 12;
/// Columns of a product, so that what it reads and what it gives stay in the second cache.
constexpr std::size_t kTile = 96;
constexpr std::size_t kPlaneColumns = 240;
/// Columns that products come in.
constexpr std::size_t kColumns = 16;
/// Values that a product reads or writes beyond the last row.
constexpr std::size_t kBeyond = 2 * kColumns;

constexpr std::size_t whole(std::size_t count, std::size_t of) { return (count + of - 1) / of * of; }

// ------------------------------------------------------------------------------------------------------ memory

/// The first three are of the thread that embeds, the others of whoever computes a part.
enum HeldBuffer : std::size_t {
  kEven,
  kOdd,
  kBottleneck,
  kPlanes,
  kInner,
  kSpare,
  kPointsIn,
  kPointsOut,
  kScratch,
  kHeldBuffers
};

/// What a thread keeps for its next utterance, and for its next part of another's.
class HeldBuffers {
 public:
  static HeldBuffers& of_this_thread() {
    thread_local HeldBuffers buffers;
    return buffers;
  }

  /// So many floats of undefined content, and room beyond. Throws std::bad_alloc.
  float* floats(HeldBuffer buffer, std::size_t count) {
    return reinterpret_cast<float*>(buffers_.room(buffer, (count + kBeyond) * sizeof(float)));
  }

  void trim() noexcept { buffers_.trim(); }

 private:
  KeptBuffers<kHeldBuffers> buffers_;
};

/// Channels over frequency and time: every row of frames dealt to kPhases rows, zeros on either side of each.
struct Planes {
  Planes(float* values, std::size_t channel_count, std::size_t bin_count, std::size_t column_count)
      : data(values), channels(channel_count), bins(bin_count), columns(column_count) {}

  static std::size_t step_of(std::size_t columns) { return whole(columns + 2, kPhases); }
  static std::size_t size_of(std::size_t channels, std::size_t bins, std::size_t columns) {
    return channels * bins * kPhases * step_of(columns);
  }

  std::size_t step() const { return step_of(columns); }
  std::size_t channel_step() const { return bins * kPhases * step(); }
  float* row(std::size_t channel, std::size_t bin, std::size_t phase) const {
    return data + channel * channel_step() + (bin * kPhases + phase) * step() + 1;
  }
  template <typename RowsOfPhases>
  RowsOfPhases rows(std::size_t channel, std::size_t bin) const {
    return {row(channel, bin, 0), row(channel, bin, 1), row(channel, bin, 2), row(channel, bin, 3)};
  }

  float* data;
  std::size_t channels;
  std::size_t bins;
  std::size_t columns;  ///< of each of the rows, fours of frames
};

/// Zeros on either side of every row, and in place of frames from `frames` on.
void close(const Planes& x, std::size_t channel, std::size_t bin, std::size_t frames) {
  for (std::size_t phase = 0; phase < kPhases; ++phase) {
    float* row = x.row(channel, bin, phase);
    row[-1] = 0;
    const std::size_t there = frames > phase ? (frames - phase + kPhases - 1) / kPhases : 0;
    std::fill(row + std::min(there, x.columns), row + x.step() - 1, 0.0F);
  }
}

// ------------------------------------------------------------------------------------------------------ layers

/// A convolution over frequency and time with its batch norm, whose scale is in the weights.
struct PlaneLayer {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::size_t stride = 1;    ///< over frequency
  AlignedFloats weights;     ///< [point][tap over frequency][input][output]
  std::vector<float> shift;  ///< [output]

  std::size_t bins_of(std::size_t bins) const { return (bins - 1) / stride + 1; }
};

/// One of one bin and frame.
struct Shortcut {
  AlignedFloats weights;  ///< [input][output]
  std::vector<float> shift;
};

struct Residual {
  PlaneLayer enter;
  PlaneLayer leave;
  std::optional<Shortcut> shortcut;
};

/// A product over channels with the batch norm and ReLU of what it reads.
struct NormedProduct {
  Affine norm;
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::size_t step = 0;     ///< from one input's weights to the next's
  AlignedFloats weights;    ///< [input][output]
  std::vector<float> bias;  ///< of a batch norm behind it, with a ReLU; none where it is empty
};

struct DenseLayer {
  NormedProduct enter;
  std::size_t outputs = 0;
  std::size_t dilation = 1;
  std::size_t segment = 1;  ///< frames that have one context
  AlignedFloats local;      ///< [tap][input][output]
  AlignedFloats reduce;     ///< [output][input], of the context
  std::vector<float> reduce_bias;
  AlignedFloats expand;
  std::vector<float> expand_bias;
};

struct DenseBlock {
  std::vector<DenseLayer> layers;
  NormedProduct transition;
};

/// [outputs, inputs, ...] in float32.
at::Tensor weights_of(const Module& linear, std::int64_t dimensions) {
  at::Tensor weights = tensor(linear, "weight");
  expect(weights.dim() == dimensions && weights.numel() > 0, "a convolution");
  return weights;
}

std::size_t size_of(const at::Tensor& weights, std::int64_t dimension) {
  return static_cast<std::size_t>(weights.size(dimension));
}

AlignedFloats floats_of(const at::Tensor& values) {
  const at::Tensor whole = values.contiguous();
  return {whole.const_data_ptr<float>(), whole.const_data_ptr<float>() + whole.numel()};
}

/// [outputs, inputs, ...] with every output times its scale.
at::Tensor scaled(const at::Tensor& weights, const std::vector<float>& scale) {
  expect(scale.size() == size_of(weights, 0), "a batch norm");
  std::vector<std::int64_t> shape(static_cast<std::size_t>(weights.dim()), 1);
  shape[0] = weights.size(0);
  auto* values = const_cast<float*>(scale.data());  // from_blob takes no const; nothing writes to it
  return at::mul(weights, at::from_blob(values, shape, at::kFloat));
}

PlaneLayer read_plane(const Module& conv, const Module& norm) {
  const at::Tensor weights = weights_of(conv, 4);
  expect(size_of(weights, 2) == kTaps && size_of(weights, 3) == kTaps, "a convolution over frequency and time");
  const Affine affine = read_norm(norm);
  PlaneLayer layer{size_of(weights, 1), size_of(weights, 0), count(conv, "stride"), {}, affine.shift};
  expect(layer.stride == 1 || layer.stride == 2, "a stride");
  const AlignedFloats values = floats_of(scaled(weights, affine.scale));
  const std::size_t point_step = kTaps * layer.inputs * layer.outputs;
  layer.weights.resize(kPoints * point_step);
  for (std::size_t out = 0; out < layer.outputs; ++out) {
    for (std::size_t in = 0; in < layer.inputs; ++in) {
      for (std::size_t tap = 0; tap < kTaps; ++tap) {
        const float* over_time = values.data() + ((out * layer.inputs + in) * kTaps + tap) * kTaps;
        const auto points = simd::as_points(over_time[0], over_time[1], over_time[2]);
        for (std::size_t p = 0; p < kPoints; ++p) {
          layer.weights[p * point_step + (tap * layer.inputs + in) * layer.outputs + out] = points[p];
        }
      }
    }
  }
  return layer;
}

Residual read_residual(const Module& module) {
  Residual residual{read_plane(child(module, "conv1"), child(module, "bn1")),
                    read_plane(child(module, "conv2"), child(module, "bn2")), std::nullopt};
  const auto& [enter, leave, shortcut] = residual;
  expect(enter.outputs == leave.inputs && leave.stride == 1, "a residual block");
  std::vector<Module> parts;
  for (const Module& part : child(module, "shortcut").children()) parts.push_back(part);
  if (parts.size() == 2) {
    const Affine affine = read_norm(parts[1]);
    const at::Tensor weights = weights_of(parts[0], 4);
    expect(size_of(weights, 0) == leave.outputs && size_of(weights, 1) == enter.inputs && size_of(weights, 2) == 1 &&
               size_of(weights, 3) == 1 && count(parts[0], "stride") == enter.stride,
           "a shortcut");
    residual.shortcut = {floats_of(scaled(weights, affine.scale).flatten(1).t()), affine.shift};
  }
  expect(shortcut || (enter.stride == 1 && enter.inputs == leave.outputs), "a residual block");
  return residual;
}

/// `norm`: of what it reads; `behind`: null, or the batch norm of what it gives.
NormedProduct read_product(const Module& norm, const Module& linear, const Module* behind) {
  at::Tensor weights = weights_of(linear, 3).squeeze(2);
  expect(weights.dim() == 2, "a product");
  NormedProduct product{read_norm(norm), size_of(weights, 1), size_of(weights, 0), 0, {}, {}};
  if (behind != nullptr) {
    const Affine affine = read_norm(*behind);
    weights = scaled(weights, affine.scale);
    product.bias = affine.shift;
  }
  expect(product.norm.scale.size() == product.inputs && product.outputs % 2 == 0, "a product and its norm");
  // A line more than there are: rows that lie some powers of two apart fall on the same few lines of the first cache.
  product.step = product.outputs + kColumns;
  product.weights = floats_of(at::constant_pad_nd(weights.t(), {0, static_cast<std::int64_t>(kColumns)}));
  return product;
}

Module norm_of(const Module& module, const char* name) { return child(child(module, name), "batchnorm"); }

DenseLayer read_dense(const Module& module) {
  const Module behind = norm_of(module, "nonlinear2");
  const Module cam = child(module, "cam_layer");
  const Module local = child(cam, "linear_local");
  const at::Tensor weights = weights_of(local, 3);
  DenseLayer layer{read_product(norm_of(module, "nonlinear1"), child(module, "linear1"), &behind),
                   size_of(weights, 0),
                   count(local, "dilation"),
                   count(cam, "segment"),
                   floats_of(weights.permute({2, 1, 0})),
                   floats_of(weights_of(child(cam, "linear1"), 3)),
                   values(child(cam, "linear1"), "bias"),
                   floats_of(weights_of(child(cam, "linear2"), 3)),
                   values(child(cam, "linear2"), "bias")};
  expect(size_of(weights, 1) == layer.enter.outputs && size_of(weights, 2) == kTaps && layer.outputs % 2 == 0 &&
             layer.segment > 0 && layer.dilation > 0 && layer.dilation <= kColumns &&
             layer.reduce.size() == layer.reduce_bias.size() * layer.enter.outputs &&
             layer.expand.size() == layer.outputs * layer.reduce_bias.size() &&
             layer.expand_bias.size() == layer.outputs,
         "a context-masked layer");
  return layer;
}

// ------------------------------------------------------------------------------------------------------ the head

/// Some bins of what a convolution gives, with those that it reads. Bins that one tap reads lie side by side: with a
/// stride of two, first the odd ones.
struct Strip {
  Strip(std::size_t stride, std::size_t first_bin, std::size_t bin_count)
      : first(first_bin), bins(bin_count), even(stride == 1 ? 0 : bin_count + 1), held(2 * bin_count + 1) {
    if (stride == 1) held = bins + 2;
  }

  /// The bin that is held in a place; -1 is the one before the first.
  std::ptrdiff_t bin_of(std::size_t place) const {
    if (even == 0) return static_cast<std::ptrdiff_t>(first + place) - 1;
    return place < even ? 2 * static_cast<std::ptrdiff_t>(first + place) - 1
                        : 2 * static_cast<std::ptrdiff_t>(first + place - even);
  }
  /// Where the first bin lies that a tap reads.
  std::size_t place_of(std::size_t tap) const {
    if (even == 0) return tap;
    return tap == 1 ? even : tap / 2;
  }

  std::size_t first;
  std::size_t bins;
  std::size_t even;  ///< where even ones begin, 0 without a stride
  std::size_t held;
};

/// x through a convolution into y, with `other` added where it is given, and a ReLU. Behind `frames` lie zeros.
void run_plane(const PlaneLayer& layer, const Planes& x, const Planes* other, const Planes& y, std::size_t frames,
               HeldBuffers& buffers) {
  const std::size_t columns = x.columns;
  // So few bins that what products read and what they give stay in the second cache.
  const std::size_t bins_at_once = std::clamp<std::size_t>(kPlaneColumns / columns, 1, y.bins);
  const std::size_t channel_step = Strip(layer.stride, 0, bins_at_once).held * columns;
  const std::size_t point_step = layer.inputs * channel_step;
  const std::size_t sum_step = whole(bins_at_once * columns, kColumns);
  const std::size_t sums_of_point = layer.outputs * sum_step;
  float* points = buffers.floats(kPointsIn, kPoints * point_step);
  float* sums = buffers.floats(kPointsOut, kPoints * sums_of_point);
  for (std::size_t bin = 0; bin < y.bins; bin += bins_at_once) {
    const Strip strip(layer.stride, bin, std::min(bins_at_once, y.bins - bin));
    for (std::size_t c = 0; c < layer.inputs; ++c) {
      for (std::size_t place = 0; place < strip.held; ++place) {
        float* to = points + c * channel_step + place * columns;
        const std::ptrdiff_t held = strip.bin_of(place);
        if (held >= 0 && held < static_cast<std::ptrdiff_t>(x.bins)) {
          simd::to_points(x.rows<ConstPhaseRows>(c, static_cast<std::size_t>(held)), columns, to, point_step);
        } else {
          for (std::size_t p = 0; p < kPoints; ++p) std::fill_n(to + p * point_step, columns, 0.0F);
        }
      }
    }
    for (std::size_t p = 0; p < kPoints; ++p) {
      for (std::size_t tap = 0; tap < kTaps; ++tap) {
        simd::multiply({.left = layer.weights.data() + (p * kTaps + tap) * layer.inputs * layer.outputs,
                        .left_step = layer.outputs,
                        .right = points + p * point_step + strip.place_of(tap) * columns,
                        .right_step = channel_step,
                        .depth = layer.inputs,
                        .rows = layer.outputs,
                        .columns = whole(strip.bins * columns, kColumns),
                        .out = sums + p * sums_of_point,
                        .out_step = sum_step,
                        .onto = tap > 0});
      }
    }
    for (std::size_t c = 0; c < layer.outputs; ++c) {
      for (std::size_t i = 0; i < strip.bins; ++i) {
        const auto added = other ? other->rows<ConstPhaseRows>(c, bin + i) : ConstPhaseRows{};
        simd::from_points(sums + c * sum_step + i * columns, sums_of_point, columns, layer.shift[c], added,
                          y.rows<PhaseRows>(c, bin + i));
        close(y, c, bin + i, frames);
      }
    }
  }
}

void run_shortcut(const Shortcut& layer, const Planes& x, std::size_t stride, const Planes& y) {
  const std::size_t columns = kPhases * x.step();  // whole rows, with the zeros between
  for (std::size_t bin = 0; bin < y.bins; ++bin) {
    simd::multiply({.left = layer.weights.data(),
                    .left_step = y.channels,
                    .right = x.row(0, bin * stride, 0) - 1,
                    .right_step = x.channel_step(),
                    .depth = x.channels,
                    .rows = y.channels,
                    .columns = columns,
                    .out = y.row(0, bin, 0) - 1,
                    .out_step = y.channel_step(),
                    .bias = layer.shift.data()});
  }
}

// ------------------------------------------------------------------------------------------------------ frames

/// Channels over time, frame after frame: [channels][step], of which `frames` are the utterance's.
struct ChannelRows {
  float* data;
  std::size_t step;
  std::size_t frames;

  float* row(std::size_t channel) const { return data + channel * step; }
};

/// Columns that are computed together.
struct Columns {
  std::size_t first;
  std::size_t count;
};

/// What all layers of an utterance share.
struct UtteranceRun {
  const Interrupt& interrupt;
  const ForEach& for_each;
};

/// work(columns, buffers) for about equal parts of so many columns, on any threads.
template <typename Work>
void by_columns(const UtteranceRun& run, std::size_t columns, const Work& work) {
  const std::size_t parts = (columns + kTile - 1) / kTile;
  for_each_part(run.for_each, parts, [&](std::size_t i) {
    stop_if_asked(run.interrupt);
    const auto edge = [&](std::size_t part) { return columns / kColumns * part / parts * kColumns; };
    work(Columns{edge(i), edge(i + 1) - edge(i)}, HeldBuffers::of_this_thread());
  });
}

/// Some columns of x through a product into those of `to`.
void run_product(const NormedProduct& product, const ChannelRows& x, const Columns& columns, float* to,
                 std::size_t to_step, HeldBuffers& buffers) {
  float* normed = buffers.floats(kScratch, product.inputs * kTile);
  simd::norm_relu_rows(x.data + columns.first, x.step, product.inputs, columns.count, product.norm.scale.data(),
                       product.norm.shift.data(), normed, kTile);
  simd::multiply({.left = product.weights.data(),
                  .left_step = product.step,
                  .right = normed,
                  .right_step = kTile,
                  .depth = product.inputs,
                  .rows = product.outputs,
                  .columns = columns.count,
                  .out = to + columns.first,
                  .out_step = to_step,
                  .bias = product.bias.empty() ? nullptr : product.bias.data(),
                  .relu = !product.bias.empty()});
}

/// The gates of every segment, [segment][output], from what a layer's bottleneck gives.
std::vector<float> gates_of(const DenseLayer& layer, const ChannelRows& x) {
  const std::size_t inputs = layer.enter.outputs;
  const std::size_t hidden_count = layer.reduce_bias.size();
  const std::size_t segments = (x.frames + layer.segment - 1) / layer.segment;
  std::vector<float> context(segments * inputs);
  for (std::size_t c = 0; c < inputs; ++c) {
    float total = 0;
    for (std::size_t s = 0; s < segments; ++s) {
      const std::size_t first = s * layer.segment;
      const std::size_t count = std::min(layer.segment, x.frames - first);
      const float sum = simd::sum(x.row(c) + first, count);
      total += sum;
      context[s * inputs + c] = sum / static_cast<float>(count);
    }
    const float mean = total / static_cast<float>(x.frames);
    for (std::size_t s = 0; s < segments; ++s) context[s * inputs + c] += mean;
  }
  std::vector<float> hidden(hidden_count);
  std::vector<float> gates(segments * layer.outputs);
  for (std::size_t s = 0; s < segments; ++s) {
    simd::dot_rows(context.data() + s * inputs, layer.reduce.data(), hidden_count, inputs, hidden.data());
    for (std::size_t i = 0; i < hidden_count; ++i) hidden[i] = std::max(hidden[i] + layer.reduce_bias[i], 0.0F);
    float* gate = gates.data() + s * layer.outputs;
    simd::dot_rows(hidden.data(), layer.expand.data(), layer.outputs, hidden_count, gate);
    for (std::size_t i = 0; i < layer.outputs; ++i) gate[i] = 1 / (1 + std::exp(-(gate[i] + layer.expand_bias[i])));
  }
  return gates;
}

/// Adds the layer's channels behind the `channels` that there are.
void run_dense(const DenseLayer& layer, const ChannelRows& x, std::size_t channels, const ChannelRows& bottleneck,
               const UtteranceRun& run) {
  const std::size_t columns = whole(x.frames, kColumns);
  by_columns(run, columns, [&](const Columns& part, HeldBuffers& buffers) {
    run_product(layer.enter, x, part, bottleneck.data, bottleneck.step, buffers);
  });
  for (std::size_t c = 0; c < layer.enter.outputs; ++c) {
    std::fill_n(bottleneck.row(c) + x.frames, columns + kColumns - x.frames, 0.0F);
  }
  const std::vector<float> gates = gates_of(layer, bottleneck);
  by_columns(run, columns, [&](const Columns& part, HeldBuffers&) {
    for (std::size_t tap = 0; tap < kTaps; ++tap) {
      // The first tap reads what lies before the frame.
      const float* from = bottleneck.data + part.first + tap * layer.dilation - layer.dilation;
      simd::multiply({.left = layer.local.data() + tap * layer.enter.outputs * layer.outputs,
                      .left_step = layer.outputs,
                      .right = from,
                      .right_step = bottleneck.step,
                      .depth = layer.enter.outputs,
                      .rows = layer.outputs,
                      .columns = part.count,
                      .out = x.row(channels) + part.first,
                      .out_step = x.step,
                      .onto = tap > 0});
    }
    for (std::size_t at = part.first; at < std::min(part.first + part.count, x.frames);) {
      const std::size_t segment = at / layer.segment;
      const std::size_t end = std::min({(segment + 1) * layer.segment, part.first + part.count, x.frames});
      for (std::size_t i = 0; i < layer.outputs; ++i) {
        simd::scale(x.row(channels + i) + at, end - at, gates[segment * layer.outputs + i]);
      }
      at = end;
    }
  });
}

// ------------------------------------------------------------------------------------------------------ the network

class Campplus final : public CampplusNetwork {
 public:
  explicit Campplus(const Module& module);

  Result<Embedding> embed(ConstRows features, const Interrupt& interrupt, const ForEach& for_each) const override;
  std::uint64_t activation_bytes(std::size_t frames) const override;

 private:
  /// Frames whose head is computed together: from `first`, a multiple of four, up to `end`.
  struct Part {
    std::size_t first;
    std::size_t end;
  };

  void run_head(ConstRows features, const Part& part, const ChannelRows& to, const Interrupt& interrupt,
                HeldBuffers& buffers) const;
  void run_tdnn(const Planes& x, std::size_t from, const Part& part, const ChannelRows& to, HeldBuffers& buffers) const;
  Embedding pool(const ChannelRows& x) const;

  std::size_t widest() const;

  PlaneLayer enter_;
  std::vector<Residual> residuals_;
  PlaneLayer leave_;
  AlignedFloats tdnn_;  ///< [tap][input][output]
  std::vector<float> tdnn_shift_;
  std::size_t bins_ = 0;
  std::vector<DenseBlock> blocks_;
  Affine out_norm_;
  AlignedFloats dense_;  ///< [output][mean, deviation of every channel]
  Affine dense_norm_;
};

Campplus::Campplus(const Module& module) {
  const Module head = child(module, "head");
  enter_ = read_plane(child(head, "conv1"), child(head, "bn1"));
  leave_ = read_plane(child(head, "conv2"), child(head, "bn2"));
  std::size_t channels = enter_.outputs;
  std::size_t shrinks = leave_.stride;
  for (const char* name : {"layer1", "layer2"}) {
    for (const Module& residual : child(head, name).children()) {
      residuals_.push_back(read_residual(residual));
      expect(residuals_.back().enter.inputs == channels, "the head");
      channels = residuals_.back().leave.outputs;
      shrinks *= residuals_.back().enter.stride;
    }
  }
  expect(enter_.inputs == 1 && enter_.stride == 1 && leave_.inputs == channels && channels % 2 == 0, "the head");

  const Module xvector = child(module, "xvector");
  const Module tdnn = child(xvector, "tdnn");
  const at::Tensor weights = weights_of(child(tdnn, "linear"), 3);
  const Affine affine = read_norm(norm_of(tdnn, "nonlinear"));
  expect(size_of(weights, 1) % leave_.outputs == 0 && size_of(weights, 2) == kTdnnTaps &&
             size_of(weights, 0) % 2 == 0 && count(child(tdnn, "linear"), "stride") == kStride,
         "the TDNN");
  bins_ = size_of(weights, 1) / leave_.outputs * shrinks;
  tdnn_ = floats_of(scaled(weights, affine.scale).permute({2, 1, 0}));
  tdnn_shift_ = affine.shift;

  channels = size_of(weights, 0);
  for (int number = 1; xvector.hasattr("block" + std::to_string(number)); ++number) {
    DenseBlock block;
    for (const Module& layer : child(xvector, ("block" + std::to_string(number)).c_str()).children()) {
      block.layers.push_back(read_dense(layer));
      const DenseLayer& read = block.layers.back();
      const std::size_t bottleneck =
          blocks_.empty() ? block.layers.front().enter.outputs : blocks_.front().layers.front().enter.outputs;
      expect(read.enter.inputs == channels && read.enter.outputs == bottleneck, "a dense block");
      channels += block.layers.back().outputs;
    }
    const Module transition = child(xvector, ("transit" + std::to_string(number)).c_str());
    block.transition = read_product(norm_of(transition, "nonlinear"), child(transition, "linear"), nullptr);
    expect(block.transition.inputs == channels, "a transition");
    channels = block.transition.outputs;
    blocks_.push_back(std::move(block));
  }
  expect(!blocks_.empty(), "the dense blocks");
  out_norm_ = read_norm(child(child(xvector, "out_nonlinear"), "batchnorm"));
  const Module dense = child(xvector, "dense");
  dense_ = floats_of(weights_of(child(dense, "linear"), 3));
  dense_norm_ = read_norm(norm_of(dense, "nonlinear"));
  expect(out_norm_.scale.size() == channels && dense_.size() == 2 * channels * dense_norm_.scale.size(), "the end");
}

/// Channels of the widest block.
std::size_t Campplus::widest() const {
  std::size_t most = 0;
  for (const DenseBlock& block : blocks_) most = std::max(most, block.transition.inputs);
  return most;
}

std::uint64_t Campplus::activation_bytes(std::size_t frames) const {
  const std::size_t columns = (std::min(frames, kHeadFrames + kPhases) + 2 * kReach) / kPhases + 1;
  const std::size_t channels = enter_.outputs;
  // Planes of the first layer and two of half of it; points of a strip and of its neighbours.
  const std::size_t head = 2 * Planes::size_of(channels, bins_, columns) + kPoints * channels * 6 * kPlaneColumns;
  const std::size_t step = whole(frames / kStride + 1, kColumns) + 2 * kColumns;
  const std::size_t body = (2 * widest() + blocks_.front().layers.front().enter.outputs) * step + widest() * kTile;
  return sizeof(float) * (head + body);
}

Result<Embedding> Campplus::embed(ConstRows features, const Interrupt& interrupt, const ForEach& for_each) const {
  expect(features.width == bins_, "the features");
  HeldBuffers& buffers = HeldBuffers::of_this_thread();
  const UtteranceRun run{interrupt, for_each};
  const std::size_t frames = (features.count - 1) / kStride + 1;
  // Between utterances' rows lie what taps read before and behind.
  const std::size_t step = whole(frames, kColumns) + 2 * kColumns;
  const std::size_t width = widest();
  ChannelRows x{buffers.floats(kEven, width * step), step, frames};
  ChannelRows next{buffers.floats(kOdd, width * step), step, frames};
  const std::size_t bottlenecks = blocks_.front().layers.front().enter.outputs;
  const ChannelRows bottleneck{buffers.floats(kBottleneck, (bottlenecks + 1) * step) + kColumns, step, frames};
  for (std::size_t c = 0; c < bottlenecks; ++c) std::fill_n(bottleneck.row(c) - kColumns, kColumns, 0.0F);
  try {
    const std::size_t parts = (features.count + kHeadFrames - 1) / kHeadFrames;
    for_each_part(for_each, parts, [&](std::size_t i) {
      const auto edge = [&](std::size_t part) {
        return part == parts ? features.count : features.count * part / parts / kPhases * kPhases;
      };
      run_head(features, {edge(i), edge(i + 1)}, x, interrupt, HeldBuffers::of_this_thread());
    });
    for (const DenseBlock& block : blocks_) {
      std::size_t channels = block.layers.front().enter.inputs;
      for (const DenseLayer& layer : block.layers) {
        run_dense(layer, x, channels, bottleneck, run);
        channels += layer.outputs;
      }
      by_columns(run, whole(frames, kColumns), [&](const Columns& part, HeldBuffers& own) {
        run_product(block.transition, x, part, next.data, next.step, own);
      });
      std::swap(x, next);
    }
    Embedding embedding = pool(x);
    buffers.trim();
    return embedding;
  } catch (Stopped& stopped) {
    buffers.trim();
    return std::move(stopped.reason);
  }
}

/// The head and the TDNN of some frames, computed with those that they hear on either side.
void Campplus::run_head(ConstRows features, const Part& part, const ChannelRows& to, const Interrupt& interrupt,
                        HeldBuffers& buffers) const {
  const std::size_t from = part.first > kReach ? part.first - kReach : 0;
  const std::size_t columns = (std::min(part.end + kReach, features.count) - from + kPhases - 1) / kPhases;
  const std::size_t frames = features.count - from;  // those behind are zeros
  const std::size_t size = Planes::size_of(enter_.outputs, bins_, columns);
  Planes x(buffers.floats(kPlanes, size), enter_.outputs, bins_, columns);
  Planes inner(buffers.floats(kInner, size), 1, bins_, columns);
  float* spare = buffers.floats(kSpare, size);
  for (std::size_t bin = 0; bin < bins_; ++bin) {
    for (std::size_t i = 0; i < std::min(kPhases * columns, frames); ++i) {
      inner.row(0, bin, i % kPhases)[i / kPhases] = features.row(from + i)[bin];
    }
    close(inner, 0, bin, frames);
  }
  stop_if_asked(interrupt);
  run_plane(enter_, inner, nullptr, x, frames, buffers);
  for (const auto& [enter, leave, shortcut] : residuals_) {
    stop_if_asked(interrupt);
    const std::size_t bins = enter.bins_of(x.bins);
    inner = Planes(inner.data, enter.outputs, bins, columns);
    run_plane(enter, x, nullptr, inner, frames, buffers);
    stop_if_asked(interrupt);
    // What is added may not lie where the sum does.
    Planes added = x;
    Planes y(spare, leave.outputs, bins, columns);
    if (shortcut) {
      added = Planes(spare, leave.outputs, bins, columns);
      y = Planes(x.data, leave.outputs, bins, columns);
      run_shortcut(*shortcut, x, enter.stride, added);
    }
    run_plane(leave, inner, &added, y, frames, buffers);
    spare = added.data;
    x = y;
  }
  stop_if_asked(interrupt);
  inner = Planes(inner.data, leave_.outputs, leave_.bins_of(x.bins), columns);
  run_plane(leave_, x, nullptr, inner, frames, buffers);
  run_tdnn(inner, from, part, to, buffers);
}

/// x: of frames from `from` on.
void Campplus::run_tdnn(const Planes& x, std::size_t from, const Part& part, const ChannelRows& to,
                        HeldBuffers& buffers) const {
  const std::size_t inputs = x.channels * x.bins;
  const std::size_t outputs = tdnn_shift_.size();
  const std::size_t columns = whole(x.columns, kColumns);
  float* sums = buffers.floats(kPointsOut, kStride * outputs * columns);
  for (std::size_t half = 0; half < kStride; ++half) {
    for (std::size_t tap = 0; tap < kTdnnTaps; ++tap) {
      // Of frame 4 j + 2 half the tap hears frame 4 j + ahead - 4.
      const std::size_t ahead = kStride * half + tap + kPhases - kTdnnTaps / 2;
      simd::multiply({.left = tdnn_.data() + tap * inputs * outputs,
                      .left_step = outputs,
                      .right = x.row(0, 0, ahead % kPhases) + ahead / kPhases - 1,
                      .right_step = kPhases * x.step(),
                      .depth = inputs,
                      .rows = outputs,
                      .columns = columns,
                      .out = sums + half * outputs * columns,
                      .out_step = columns,
                      .bias = tdnn_shift_.data(),
                      .onto = tap > 0,
                      .relu = tap == kTdnnTaps - 1});
    }
  }
  const std::size_t end = std::min((part.end + kStride - 1) / kStride, to.frames);
  for (std::size_t c = 0; c < outputs; ++c) {
    float* row = to.row(c);
    for (std::size_t t = part.first / kStride; t < end; ++t) {
      const std::size_t at = t - from / kStride;
      row[t] = sums[(at % kStride * outputs + c) * columns + at / kStride];
    }
    if (end == to.frames) std::fill(row + end, row + to.step, 0.0F);
  }
}

Embedding Campplus::pool(const ChannelRows& x) const {
  const std::size_t channels = out_norm_.scale.size();
  const auto frames = static_cast<float>(x.frames);
  std::vector<float> statistics(2 * channels);
  for (std::size_t c = 0; c < channels; ++c) {
    float* row = x.row(c);
    simd::norm_relu_rows(row, 0, 1, whole(x.frames, kColumns), &out_norm_.scale[c], &out_norm_.shift[c], row, 0);
    const float mean = simd::sum(row, x.frames) / frames;
    statistics[c] = mean;
    statistics[channels + c] = std::sqrt(simd::sum_of_squares(row, x.frames, mean) / (frames - 1));
  }
  Embedding embedding(dense_norm_.scale.size());
  simd::dot_rows(statistics.data(), dense_.data(), embedding.size(), statistics.size(), embedding.data());
  for (std::size_t i = 0; i < embedding.size(); ++i) {
    embedding[i] = embedding[i] * dense_norm_.scale[i] + dense_norm_.shift[i];
  }
  return embedding;
}

}  // namespace

std::unique_ptr<const CampplusNetwork> CampplusNetwork::of(const Module& module) {
  if (module.type()->name()->name() != "Campplus") return nullptr;
  return std::make_unique<const Campplus>(module);
}

}  // namespace timbre::network
