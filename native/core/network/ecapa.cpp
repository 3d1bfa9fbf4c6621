#include "network/ecapa.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "network/int8.h"

namespace timbre::network {

namespace {

using torch::jit::Module;
using Scratch = Product::Scratch;

/// Rows of a product at most: what lies between it and the pass after it stays in the cache.
constexpr std::size_t kTile = 384;
/// Channels whose attention is computed together, for the same reason.
constexpr std::size_t kSlab = 512;
/// Values of a buffer that is kept after a long utterance: 5 s of 1024 channels, 1.7 s where three blocks are joined.
constexpr std::size_t kKept = std::size_t{1} << 19U;

enum Buffer : std::size_t { kInput, kEntered, kChunks, kJoined, kGathered, kHidden };

/// Thrown between two tiles where the interrupt says so, and caught in embed().
struct Stopped {
  Error reason;
};

/// work(first, count) of about equal parts of `rows`. Throws Stopped.
template <typename Work>
void by_tiles(const Interrupt& interrupt, std::size_t rows, const Work& work) {
  const std::size_t tiles = (rows + kTile - 1) / kTile;
  for (std::size_t i = 0; i < tiles; ++i) {
    if (auto reason = interrupt.check()) throw Stopped{*std::move(reason)};
    const std::size_t first = rows * i / tiles;
    work(first, rows * (i + 1) / tiles - first);
  }
}

// ------------------------------------------------------------------------------------------------------ reading

void expect(bool fits, const char* what) { TORCH_CHECK(fits, "its tensors do not fit together: ", what); }

at::Tensor tensor(const Module& module, const char* name) {
  const at::Tensor value = module.attr(name).toTensor();
  return value.is_quantized() ? value : value.to(at::kFloat).contiguous();
}

std::vector<float> values(const Module& module, const char* name) {
  const at::Tensor value = tensor(module, name);
  expect(value.dim() == 1, name);
  return {value.const_data_ptr<float>(), value.const_data_ptr<float>() + value.numel()};
}

Module child(const Module& module, const char* name) { return module.attr(name).toModule(); }

c10::IValue constant(const Module& module, const char* name) { return module.type()->getConstant(name); }

/// A number of frames.
std::size_t count(const Module& module, const char* name) {
  constexpr std::int64_t kMost = 1000;
  return static_cast<std::size_t>(std::clamp<std::int64_t>(constant(module, name).toInt(), 0, kMost));
}

std::unique_ptr<const Product> make_product(const at::Tensor& weights) {
  if (!weights.is_quantized()) {
    return float_product(weights);
  }
  return why_no_int8().empty() ? int8_product(weights) : float_product(weights.dequantize());
}

void expect(const Product& product, std::size_t inputs, std::size_t outputs, const char* what) {
  expect(product.inputs() == inputs && product.outputs() == outputs, what);
}

std::vector<float> read_bias(const Module& linear, std::size_t outputs) {
  return linear.attr("bias").isNone() ? std::vector<float>(outputs) : values(linear, "bias");
}

// ------------------------------------------------------------------------------------------------------ one vector

simd::ConstRows as_row(std::span<const float> vector) { return {vector.data(), 1, vector.size(), vector.size()}; }

std::vector<float> times(std::span<const float> vector, const Product& product, Scratch& scratch) {
  const simd::Rows result = product(as_row(vector), scratch);
  return {result.data, result.data + result.width};
}

void add(std::vector<float>& to, std::span<const float> other) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i] += other[i];
  }
}

void scale_and_shift(std::vector<float>& x, std::span<const float> scale, std::span<const float> shift) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = x[i] * scale[i] + shift[i];
  }
}

/// Length one, minus `centre`.
void centre(std::vector<float>& embedding, std::span<const float> centre) {
  constexpr double kSmallestNorm = 1e-12;  // of torch.nn.functional.normalize
  double square = 0;
  for (const float value : embedding) {
    square += static_cast<double>(value) * value;
  }
  const auto norm = static_cast<float>(std::max(std::sqrt(square), kSmallestNorm));
  for (std::size_t i = 0; i < embedding.size(); ++i) {
    embedding[i] = embedding[i] / norm - centre[i];
  }
}

}  // namespace

simd::Rows EcapaNetwork::Workspace::rows(std::size_t buffer, std::size_t count, std::size_t width) {
  PageBuffer& values = buffers_[buffer];
  if (values.size() < count * width) {
    values = PageBuffer();  // both at once would be more than anybody counts on
    values = PageBuffer(count * width);
  }
  return {values.data(), count, width, width};
}

void EcapaNetwork::Workspace::trim() noexcept {
  for (PageBuffer& values : buffers_) {
    if (values.size() > kKept) {
      values = PageBuffer();
    }
  }
}

EcapaNetwork::Affine EcapaNetwork::read_norm(const Module& norm) {
  const double eps = constant(norm, "eps").toDouble();
  const std::vector<float> weight = values(norm, "weight");
  const std::vector<float> bias = values(norm, "bias");
  const std::vector<float> mean = values(norm, "running_mean");
  const std::vector<float> variance = values(norm, "running_var");
  expect(bias.size() == weight.size() && mean.size() == weight.size() && variance.size() == weight.size(), "a norm");
  Affine affine;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const double scale = weight[i] / std::sqrt(variance[i] + eps);
    affine.scale.push_back(static_cast<float>(scale));
    affine.shift.push_back(static_cast<float>(bias[i] - mean[i] * scale));
  }
  return affine;
}

EcapaNetwork::Layer EcapaNetwork::read_layer(const Module& linear, const Module* norm) {
  Layer layer;
  layer.product = make_product(tensor(linear, "weight"));
  const std::size_t outputs = layer.product->outputs();
  layer.relu_norm.bias = read_bias(linear, outputs);
  if (norm == nullptr) {
    layer.relu_norm.scale.assign(outputs, 1);
    layer.relu_norm.shift.assign(outputs, 0);
  } else {
    auto [scale, shift] = read_norm(*norm);
    layer.relu_norm.scale = std::move(scale);
    layer.relu_norm.shift = std::move(shift);
  }
  expect(layer.relu_norm.bias.size() == outputs && layer.relu_norm.scale.size() == outputs, "a layer and its norm");
  return layer;
}

EcapaNetwork::Layer EcapaNetwork::read_tdnn(const Module& tdnn) {
  const Module norm = child(tdnn, "norm");
  return read_layer(child(tdnn, "linear"), &norm);
}

EcapaNetwork::Linear EcapaNetwork::read_linear(const Module& linear) {
  auto product = make_product(tensor(linear, "weight"));
  auto bias = read_bias(linear, product->outputs());
  expect(bias.size() == product->outputs(), "a bias");
  return {std::move(product), std::move(bias)};
}

simd::Window EcapaNetwork::read_window(const Module& neighbours) {
  const simd::Window window{count(neighbours, "taps"), count(neighbours, "dilation"), count(neighbours, "stride"),
                            constant(neighbours, "reflect").toBool()};
  expect(window.taps > 0 && window.stride > 0, "a convolution");
  return window;
}

EcapaNetwork::Block EcapaNetwork::read_block(const Module& module) {
  const Module res2net = child(module, "res2net");
  const Module squeeze = child(module, "squeeze_excitation");
  Block block;
  block.enter = read_tdnn(child(module, "enter"));
  block.passes_first = constant(res2net, "passes_first").toBool();
  for (const Module& chunk : child(res2net, "chunks").children()) {
    Layer& layer = block.chunks.emplace_back(read_tdnn(chunk));
    layer.window = read_window(child(module, "neighbours"));
  }
  block.leave = read_tdnn(child(module, "leave"));
  block.reduce = read_linear(child(squeeze, "reduce"));
  block.expand = read_linear(child(squeeze, "expand"));
  return block;
}

EcapaNetwork::Pooling EcapaNetwork::read_pooling(const Module& module) {
  Pooling pooling;
  const bool relu_norm = constant(module, "relu_norm").toBool();
  const Module norm = child(module, "norm");
  pooling.attention = read_layer(child(module, "from_frame"), relu_norm ? &norm : nullptr);
  pooling.relu_norm = relu_norm;
  if (constant(module, "context").toBool()) {
    pooling.from_context = make_product(tensor(child(module, "from_context"), "weight"));
  }
  // The bias of a score is the same for every frame, which a softmax over frames does not see.
  const at::Tensor score = tensor(child(module, "score"), "weight");
  for (const at::Tensor& slab : score.split(static_cast<std::int64_t>(kSlab))) {
    pooling.scores.push_back(make_product(slab));
  }
  pooling.unbiased = constant(module, "unbiased").toBool();
  pooling.floor_added = constant(module, "floor_added").toBool();
  pooling.context_floor = constant(module, "context_floor").toDouble();
  pooling.pooled_floor = static_cast<float>(constant(module, "pooled_floor").toDouble());
  return pooling;
}

void EcapaNetwork::expect_to_fit() const {
  const std::size_t channels = frame_.product->outputs();
  expect(frame_.product->inputs() == frame_.window.taps * feature_dim(), "the first layer");
  for (const Block& block : blocks_) {
    const std::size_t width = channels / (block.chunks.size() + 1);
    expect(width * (block.chunks.size() + 1) == channels, "the chunks of a block");
    for (const Layer& chunk : block.chunks) {
      expect(*chunk.product, chunk.window.taps * width, width, "a chunk of a block");
    }
    const std::size_t squeezed = block.reduce.product->outputs();
    expect(*block.enter.product, channels, channels, "a block's first layer");
    expect(*block.leave.product, channels, channels, "a block's last layer");
    expect(*block.reduce.product, channels, squeezed, "squeeze-excitation");
    expect(*block.expand.product, squeezed, channels, "squeeze-excitation");
  }
  const std::size_t pooled = aggregate_.product->outputs();
  const std::size_t attention = pooling_.attention.product->outputs();
  expect(*aggregate_.product, blocks_.size() * channels, pooled, "the layer that joins the blocks");
  expect(*pooling_.attention.product, pooled, attention, "the attention");
  if (pooling_.from_context) {
    expect(*pooling_.from_context, 2 * pooled, attention, "the attention's context");
  }
  std::size_t scored = 0;
  for (const auto& score : pooling_.scores) {
    expect(*score, attention, score->outputs(), "the attention's scores");
    scored += score->outputs();
  }
  expect(scored == pooled, "the attention's scores");
  expect(pooled_norm_.scale.size() == 2 * pooled, "the norm of what is pooled");
  expect(embed_.product->inputs() == 2 * pooled, "the embedding");
  expect(!embed_norm_ || embed_norm_->scale.size() == embed_.bias.size(), "the embedding's norm");
  expect(centre_.empty() || centre_.size() == embed_.bias.size(), "the embedding's centre");
}

std::unique_ptr<const EcapaNetwork> EcapaNetwork::of(const Module& module) {
  if (module.type()->name()->name() != "Ecapa") {
    return nullptr;
  }
  auto network = std::make_unique<EcapaNetwork>();
  network->frame_ = read_tdnn(child(module, "frame"));
  network->frame_.window = read_window(child(module, "neighbours"));
  for (const Module& block : child(module, "blocks").children()) {
    network->blocks_.push_back(read_block(block));
  }
  network->sums_ = constant(module, "sums").toBool();
  const Module aggregate_norm = child(module, "aggregate_norm");
  network->aggregate_ =
      read_layer(child(module, "aggregate"), constant(module, "aggregation_norm").toBool() ? &aggregate_norm : nullptr);
  network->pooling_ = read_pooling(child(module, "pooling"));
  network->pooled_norm_ = read_norm(child(module, "pooled_norm"));
  network->embed_ = read_linear(child(module, "embed"));
  if (constant(module, "embedding_norm").toBool()) {
    network->embed_norm_ = read_norm(child(module, "embed_norm"));
  }
  if (constant(module, "embedding_centre").toBool()) {
    network->centre_ = values(module, "embedding_mean");
    expect(!network->centre_.empty(), "the embedding's centre");
  }
  network->expect_to_fit();
  return network;
}

void EcapaNetwork::run_block(const Block& block, simd::ConstRows x, simd::Rows y, Workspace& workspace) const {
  Scratch& scratch = workspace.scratch;
  const simd::Rows entered = workspace.rows(kEntered, x.count, block.enter.product->outputs());
  by_tiles(*workspace.interrupt, x.count, [&](std::size_t first, std::size_t rows) {
    simd::relu_norm((*block.enter.product)(x.part(first, rows), scratch), block.enter.relu_norm,
                    entered.part(first, rows));
  });

  const simd::Rows chunks = workspace.rows(kChunks, x.count, entered.width);
  const std::size_t width = entered.width / (block.chunks.size() + 1);
  const std::size_t passing = block.passes_first ? 0 : block.chunks.size();
  by_tiles(*workspace.interrupt, x.count, [&](std::size_t first, std::size_t rows) {
    simd::copy(entered.columns(passing * width, width).part(first, rows),
               chunks.columns(passing * width, width).part(first, rows));
  });
  simd::Rows before;
  for (std::size_t i = 0; i < block.chunks.size(); ++i) {
    const std::size_t at = (i + (block.passes_first ? 1 : 0)) * width;
    const simd::Rows done = chunks.columns(at, width);
    convolve(block.chunks[i], entered.columns(at, width), before, done, workspace);
    before = done;
  }

  simd::Moments moments(y.width);
  by_tiles(*workspace.interrupt, x.count, [&](std::size_t first, std::size_t rows) {
    const simd::Rows part = y.part(first, rows);
    simd::relu_norm((*block.leave.product)(chunks.part(first, rows), scratch), block.leave.relu_norm, part);
    moments.add(part);
  });
  std::vector<float> squeezed = times(moments.means(), *block.reduce.product, scratch);
  add(squeezed, block.reduce.bias);
  for (float& value : squeezed) {
    value = std::max(value, 0.0F);
  }
  std::vector<float> gain = times(squeezed, *block.expand.product, scratch);
  add(gain, block.expand.bias);
  for (float& value : gain) {
    value = 1 / (1 + std::exp(-value));
  }
  by_tiles(*workspace.interrupt, x.count, [&](std::size_t first, std::size_t rows) {
    simd::add_scaled(x.part(first, rows), y.part(first, rows), gain, y.part(first, rows));
  });
}

void EcapaNetwork::convolve(const Layer& layer, simd::ConstRows x, simd::ConstRows y, simd::Rows to,
                            Workspace& workspace) const {
  by_tiles(*workspace.interrupt, to.count, [&](std::size_t first, std::size_t rows) {
    const simd::Rows gathered = workspace.rows(kGathered, rows, layer.product->inputs());
    simd::im2col(x, y, layer.window, first, gathered);
    simd::relu_norm((*layer.product)(gathered, workspace.scratch), layer.relu_norm, to.part(first, rows));
  });
}

std::vector<float> EcapaNetwork::pool(simd::ConstRows x, const simd::Moments& moments, Workspace& workspace) const {
  Scratch& scratch = workspace.scratch;
  const std::vector<float> means = moments.means();
  simd::ReluNorm attention = pooling_.attention.relu_norm;
  if (pooling_.from_context) {
    std::vector<float> context = means;
    const double divisor = static_cast<double>(moments.count()) - (pooling_.unbiased ? 1 : 0);
    for (const double squares : moments.squares()) {
      const double variance = squares / divisor;
      const double floor = pooling_.context_floor;
      context.push_back(
          static_cast<float>(std::sqrt(pooling_.floor_added ? variance + floor : std::max(variance, floor))));
    }
    add(attention.bias, times(context, *pooling_.from_context, scratch));
  }
  const simd::Rows hidden = workspace.rows(kHidden, x.count, pooling_.attention.product->outputs());
  by_tiles(*workspace.interrupt, x.count, [&](std::size_t first, std::size_t rows) {
    const simd::Rows part = hidden.part(first, rows);
    const simd::Rows product = (*pooling_.attention.product)(x.part(first, rows), scratch);
    if (pooling_.relu_norm) {
      simd::relu_norm(product, attention, part);
    } else {
      simd::add_bias(product, attention.bias, part);
    }
    simd::tanh(part);
  });

  std::vector<float> pooled(2 * x.width);
  for (std::size_t slab = 0, start = 0; slab < pooling_.scores.size(); ++slab) {
    const Product& score = *pooling_.scores[slab];
    const std::span<const float> centres = std::span<const float>(means).subspan(start, score.outputs());
    simd::SoftmaxMoments weighted(centres);
    by_tiles(*workspace.interrupt, x.count, [&](std::size_t first, std::size_t rows) {
      weighted.add(score(hidden.part(first, rows), scratch), x.part(first, rows).columns(start, score.outputs()));
    });
    for (std::size_t c = 0; c < score.outputs(); ++c) {
      pooled[start + c] = weighted.mean(c);
      pooled[x.width + start + c] = std::sqrt(std::max(weighted.variance(c), pooling_.pooled_floor));
    }
    start += score.outputs();
  }
  return pooled;
}

std::size_t EcapaNetwork::feature_dim() const { return frame_.product->inputs() / frame_.window.taps; }

std::uint64_t EcapaNetwork::activation_bytes(std::size_t frames) const {
  const std::size_t channels = frame_.product->outputs();
  const std::size_t rows = (frames + frame_.window.stride - 1) / frame_.window.stride;
  const std::size_t joined = std::max(blocks_.size() * channels, aggregate_.product->outputs());
  // The buffers that are as long as the utterance: kInput, kEntered, kChunks, kJoined, kHidden.
  return static_cast<std::uint64_t>(rows) * (3 * channels + joined + pooling_.attention.product->outputs()) *
         sizeof(float);
}

Result<Embedding> EcapaNetwork::embed(simd::ConstRows features, Workspace& workspace,
                                      const Interrupt& interrupt) const {
  struct AfterUse {
    Workspace& workspace;
    ~AfterUse() {
      workspace.interrupt = &kUninterrupted;
      workspace.trim();
    }
  };
  const AfterUse after_use{workspace};
  workspace.interrupt = &interrupt;
  try {
    return run(features, workspace);
  } catch (Stopped& stopped) {
    return std::move(stopped.reason);
  }
}

Embedding EcapaNetwork::run(simd::ConstRows features, Workspace& workspace) const {
  TORCH_CHECK(features.width == feature_dim(), "features of ", features.width, " values where the network takes ",
              feature_dim());
  Scratch& scratch = workspace.scratch;
  const std::size_t channels = frame_.product->outputs();
  const std::size_t frames = (features.count + frame_.window.stride - 1) / frame_.window.stride;
  const simd::Rows input = workspace.rows(kInput, frames, channels);
  convolve(frame_, features, {}, input, workspace);

  // The layer that joins the blocks reads and writes row by row: its outputs take its inputs' place.
  const std::size_t pooled_channels = aggregate_.product->outputs();
  const std::size_t step = std::max(blocks_.size() * channels, pooled_channels);
  const simd::Rows buffer = workspace.rows(kJoined, frames, step);
  simd::ConstRows x = input;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const simd::Rows y = buffer.columns(i * channels, channels);
    run_block(blocks_[i], x, y, workspace);
    if (!sums_) {
      x = y;
    } else if (i + 1 < blocks_.size()) {
      const std::vector<float> ones(channels, 1);
      by_tiles(*workspace.interrupt, frames, [&](std::size_t first, std::size_t rows) {
        simd::add_scaled(x.part(first, rows), y.part(first, rows), ones, input.part(first, rows));
      });
    }
  }
  const simd::Rows joined = buffer.columns(0, blocks_.size() * channels);
  const simd::Rows aggregated = buffer.columns(0, pooled_channels);
  simd::Moments moments(pooled_channels);
  by_tiles(*workspace.interrupt, frames, [&](std::size_t first, std::size_t rows) {
    const simd::Rows part = aggregated.part(first, rows);
    simd::relu_norm((*aggregate_.product)(joined.part(first, rows), scratch), aggregate_.relu_norm, part);
    moments.add(part);
  });

  std::vector<float> pooled = pool(aggregated, moments, workspace);
  scale_and_shift(pooled, pooled_norm_.scale, pooled_norm_.shift);
  Embedding embedding = times(pooled, *embed_.product, scratch);
  add(embedding, embed_.bias);
  if (embed_norm_) {
    scale_and_shift(embedding, embed_norm_->scale, embed_norm_->shift);
  }
  if (!centre_.empty()) {
    centre(embedding, centre_);
  }
  return embedding;
}

}  // namespace timbre::network
