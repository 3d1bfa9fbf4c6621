#include "network/ecapa.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "network/frame_layer.h"
#include "network/page_buffer.h"
#include "network/parts.h"
#include "network/read_module.h"
#include "network/torch_settings.h"
#include "simd/moments.h"
#include "simd/passes.h"
#include "simd/vectors.h"

namespace timbre::network {

namespace {

using simd::ConstRows;
using simd::Rows;
using simd::RowsOf;
using torch::jit::Module;

/// Rows of a product at most: what lies between it and the pass after it stays in the cache.
constexpr std::size_t kTile = 384;
/// Channels whose attention is computed together, for the same reason.
constexpr std::size_t kSlab = 512;
/// Rows that lie so many bytes apart, or twice as many, fall on the same few lines of the first cache.
constexpr std::size_t kAliasedBytes = 1024;
constexpr std::size_t kLineBytes = 64;

enum Buffer : std::size_t { kInput, kTileChannels, kJoined, kHidden, kBuffers };

/// What a thread keeps for its next utterance, and for its next tile of another's.
class Workspace {
 public:
  static Workspace& of_this_thread() {
    thread_local Workspace workspace;
    return workspace;
  }

  /// Rows of the buffer with this number, whose content is undefined; behind them lies what a layer may read.
  template <typename T>
  RowsOf<T> rows(std::size_t buffer, std::size_t count, std::size_t width) {
    const std::size_t gap = width * sizeof(T) % kAliasedBytes == 0 ? kLineBytes / sizeof(T) : 0;
    const std::size_t step = width + gap;
    const std::size_t bytes = (count + FrameLayer<T>::kRowsTogether - 1) * step * sizeof(T);
    return {reinterpret_cast<T*>(buffers_.room(buffer, bytes)), count, width, step};
  }

  void trim() noexcept { buffers_.trim(); }

  LayerScratch scratch;

 private:
  KeptBuffers<kBuffers> buffers_;
};

/// The frames of an utterance, among those of all that are computed together.
struct UtteranceRows {
  std::size_t first;
  std::size_t rows;
  const Interrupt* interrupt;

  std::size_t end() const { return first + rows; }
};

/// What is computed at once: an utterance of any length, by tiles, or several in one tile, one after the other.
struct NetworkRun {
  Workspace& workspace;  ///< whose buffers are as long as all
  std::span<const UtteranceRows> utterances;
  const ForEach& for_each;  ///< who else may compute tiles

  std::size_t rows() const { return utterances.back().end(); }
};

/// Throws Stopped where every utterance is told to stop.
void stop_if_asked(const NetworkRun& run) {
  std::optional<Error> reason;
  for (const UtteranceRows& one : run.utterances) {
    reason = one.interrupt->check();
    if (!reason) return;
  }
  if (reason) throw Stopped{*std::move(reason)};
}

/// Some frames that are computed together.
struct Tile {
  std::size_t number;
  std::size_t first;
  std::size_t rows;

  std::size_t end() const { return first + rows; }
};

/// One of so many about equal tiles of `rows`.
Tile tile_of(std::size_t number, std::size_t tiles, std::size_t rows) {
  const std::size_t first = rows * number / tiles;
  return {number, first, rows * (number + 1) / tiles - first};
}

/// How many there are of `most` rows each.
std::size_t tiles_of(const NetworkRun& run, std::size_t most) {
  return run.utterances.size() > 1 ? 1 : (run.rows() + most - 1) / most;
}

/// work(tile, workspace) for about equal tiles of `most` rows each, on any threads; `workspace` is the thread's.
/// Throws Stopped.
template <typename Work>
void by_tiles(const NetworkRun& run, const Work& work, std::size_t most = kTile) {
  const std::size_t tiles = tiles_of(run, most);
  for_each_part(run.for_each, tiles, [&](std::size_t i) {
    stop_if_asked(run);
    work(tile_of(i, tiles, run.rows()), Workspace::of_this_thread());
  });
}

/// work(number of the utterance, its frames in the tile, where they begin in the tile).
template <typename Work>
void by_utterances(const NetworkRun& run, const Tile& tile, const Work& work) {
  for (std::size_t i = 0; i < run.utterances.size(); ++i) {
    const UtteranceRows& whole = run.utterances[i];
    const std::size_t first = std::max(tile.first, whole.first);
    const std::size_t end = std::min(tile.end(), whole.end());
    if (first < end) work(i, Tile{tile.number, first, end - first}, first - tile.first);
  }
}

/// Moments of tiles, added in the order of the tiles, whichever is there first.
class MomentsInOrder {
 public:
  explicit MomentsInOrder(std::size_t channels) : all_(channels) {}

  template <typename T>
  void add(std::size_t tile, RowsOf<T> rows) {
    simd::Moments of_tile(rows.width);
    of_tile.add(rows);
    const std::lock_guard lock(mutex_);
    waiting_.emplace(tile, std::move(of_tile));
    for (auto next = waiting_.begin(); next != waiting_.end() && next->first == added_; ++added_) {
      all_.add(next->second);
      next = waiting_.erase(next);
    }
  }

  /// Once every tile is there.
  const simd::Moments& all() const { return all_; }

 private:
  std::mutex mutex_;
  std::map<std::size_t, simd::Moments> waiting_;
  std::size_t added_ = 0;
  simd::Moments all_;
};

/// Those of every utterance.
class MomentsOfEach {
 public:
  MomentsOfEach(const NetworkRun& run, std::size_t channels) : run_(run) {
    for (std::size_t i = 0; i < run.utterances.size(); ++i) each_.emplace_back(channels);
  }

  /// rows: of the tile.
  template <typename T>
  void add(const Tile& tile, RowsOf<T> rows) {
    by_utterances(run_, tile, [&](std::size_t i, const Tile& part, std::size_t from) {
      each_[i].add(tile.number, rows.part(from, part.rows));
    });
  }

  /// Once every tile is there.
  const simd::Moments& of(std::size_t utterance) const { return each_[utterance].all(); }

  std::vector<std::vector<float>> means() const {
    std::vector<std::vector<float>> means;
    for (const MomentsInOrder& one : each_) means.push_back(one.all().means());
    return means;
  }

 private:
  const NetworkRun& run_;
  std::deque<MomentsInOrder> each_;
};

// ------------------------------------------------------------------------------------------------------ one vector

/// Weights that one vector is multiplied by at a time: rows as they were stored.
struct VectorProduct {
  simd::AlignedFloats weights;  ///< [outputs, inputs]
  std::size_t inputs = 0;
  std::size_t outputs = 0;
};

/// Bytes of weights that every vector is multiplied by before the next ones are read: they stay in the cache.
constexpr std::size_t kWeightsAtOnce = std::size_t{256} << 10U;

/// Every vector's product.
std::vector<std::vector<float>> times(std::span<const std::vector<float>> vectors, const VectorProduct& product) {
  std::vector<std::vector<float>> results(vectors.size(), std::vector<float>(product.outputs));
  const std::size_t at_once = std::max<std::size_t>(1, kWeightsAtOnce / (product.inputs * sizeof(float)));
  for (std::size_t first = 0; first < product.outputs; first += at_once) {
    const std::size_t count = std::min(at_once, product.outputs - first);
    const float* const weights = product.weights.data() + first * product.inputs;
    for (std::size_t i = 0; i < vectors.size(); ++i) {
      simd::dot_rows(vectors[i].data(), weights, count, product.inputs, results[i].data() + first);
    }
  }
  return results;
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

// ------------------------------------------------------------------------------------------------------ reading

template <typename T>
void expect_sizes(const FrameLayer<T>& layer, std::size_t inputs, std::size_t outputs, const char* what) {
  expect(layer.inputs() == inputs && layer.outputs() == outputs, what);
}

void expect_sizes(const VectorProduct& product, std::size_t inputs, std::size_t outputs, const char* what) {
  expect(product.inputs == inputs && product.outputs == outputs, what);
}

std::vector<float> read_bias(const Module& linear, std::size_t outputs) {
  return linear.attr("bias").isNone() ? std::vector<float>(outputs) : values(linear, "bias");
}

/// A product of one vector, and its bias.
struct Linear {
  VectorProduct product;
  std::vector<float> bias;
};

VectorProduct read_product(const Module& linear) {
  const at::Tensor weights = tensor(linear, "weight").dequantize();
  expect(weights.dim() == 2 && weights.numel() > 0, "a product");
  const auto* values = weights.const_data_ptr<float>();
  return {{values, values + weights.numel()},
          static_cast<std::size_t>(weights.size(1)),
          static_cast<std::size_t>(weights.size(0))};
}

Linear read_linear(const Module& linear) {
  VectorProduct product = read_product(linear);
  auto bias = read_bias(linear, product.outputs);
  expect(bias.size() == product.outputs, "a bias");
  return {std::move(product), std::move(bias)};
}

simd::Window read_window(const Module& neighbours) {
  const simd::Window window{count(neighbours, "taps"), count(neighbours, "dilation"), count(neighbours, "stride"),
                            constant(neighbours, "reflect").toBool()};
  expect(window.taps > 0 && window.stride > 0, "a convolution");
  return window;
}

/// `norm`: null where there is none.
template <typename T>
FrameLayer<T> read_layer(const Module& linear, const Module* norm, const simd::Window& window = {}) {
  const at::Tensor weights = tensor(linear, "weight");
  expect(weights.dim() == 2, "a layer");
  const auto outputs = static_cast<std::size_t>(weights.size(0));
  simd::ReluNorm relu_norm{read_bias(linear, outputs), std::vector<float>(outputs, 1), std::vector<float>(outputs)};
  if (norm != nullptr) {
    auto [scale, shift] = read_norm(*norm);
    relu_norm.scale = std::move(scale);
    relu_norm.shift = std::move(shift);
  }
  expect(relu_norm.bias.size() == outputs && relu_norm.scale.size() == outputs, "a layer and its norm");
  return {weights, std::move(relu_norm), window};
}

template <typename T>
FrameLayer<T> read_tdnn(const Module& tdnn, const simd::Window& window = {}) {
  const Module norm = child(tdnn, "norm");
  return read_layer<T>(child(tdnn, "linear"), &norm, window);
}

template <typename T>
struct Block {
  FrameLayer<T> enter;
  std::vector<FrameLayer<T>> chunks;
  bool passes_first;  ///< the chunk that passes Res2Net unchanged: the first or the last
  FrameLayer<T> leave;
  Linear reduce;
  Linear expand;

  /// Frames that an output of its chunks depends on, to each side.
  std::size_t reach() const {
    std::size_t frames = 0;
    for (const FrameLayer<T>& chunk : chunks) frames += chunk.window().reach();
    return frames;
  }
  /// Frames that are computed together: neighbours are computed again for every tile, which costs a quarter at most.
  std::size_t tile() const { return std::max(kTile, 8 * reach()); }
};

template <typename T>
Block<T> read_block(const Module& module) {
  const Module res2net = child(module, "res2net");
  const Module squeeze = child(module, "squeeze_excitation");
  std::vector<FrameLayer<T>> chunks;
  for (const Module& chunk : child(res2net, "chunks").children()) {
    chunks.push_back(read_tdnn<T>(chunk, read_window(child(module, "neighbours"))));
  }
  return {read_tdnn<T>(child(module, "enter")),       std::move(chunks),
          constant(res2net, "passes_first").toBool(), read_tdnn<T>(child(module, "leave")),
          read_linear(child(squeeze, "reduce")),      read_linear(child(squeeze, "expand"))};
}

template <typename T>
struct Pooling {
  FrameLayer<T> attention;
  bool relu_norm;                             ///< ReLU and batch norm before the tanh
  std::optional<VectorProduct> from_context;  ///< none without global context
  std::vector<FrameLayer<T>> scores;          ///< products of kSlab channels each
  bool unbiased;
  bool floor_added;
  double context_floor;
  float pooled_floor;
};

template <typename T>
Pooling<T> read_pooling(const Module& module) {
  const bool relu_norm = constant(module, "relu_norm").toBool();
  const Module norm = child(module, "norm");
  std::optional<VectorProduct> from_context;
  if (constant(module, "context").toBool()) from_context = read_product(child(module, "from_context"));
  // The bias of a score is the same for every frame, which a softmax over frames does not see.
  std::vector<FrameLayer<T>> scores;
  for (const at::Tensor& slab : tensor(child(module, "score"), "weight").split(static_cast<std::int64_t>(kSlab))) {
    scores.emplace_back(slab, simd::ReluNorm(), simd::Window());
  }
  return {read_layer<T>(child(module, "from_frame"), relu_norm ? &norm : nullptr),
          relu_norm,
          std::move(from_context),
          std::move(scores),
          constant(module, "unbiased").toBool(),
          constant(module, "floor_added").toBool(),
          constant(module, "context_floor").toDouble(),
          static_cast<float>(constant(module, "pooled_floor").toDouble())};
}

// ------------------------------------------------------------------------------------------------------ computing

/// T: what activations are held in.
template <typename T>
class Ecapa : public EcapaNetwork {
 public:
  explicit Ecapa(const Module& module);

  Result<Embedding> embed(ConstRows features, const Interrupt& interrupt, const ForEach& for_each) const override;
  std::size_t frames_together() const override;
  std::vector<Result<Embedding>> embed_together(std::span<const Utterance> utterances) const override;
  std::uint64_t activation_bytes(std::size_t frames) const override;

 private:
  /// Throws where a tensor's size is not what another's makes it.
  void expect_to_fit() const;
  std::size_t feature_dim() const { return frame_.inputs() / frame_.window().taps; }
  std::size_t joined_width() const { return std::max(blocks_.size() * frame_.outputs(), aggregate_.outputs()); }
  /// Whether what the first block reads has a place of its own, and is not where the last block writes.
  bool keeps_input() const { return sums_ || blocks_.size() < 2; }

  std::size_t rows_of(std::size_t frames) const {
    return (frames + frame_.window().stride - 1) / frame_.window().stride;
  }
  Result<std::vector<Embedding>> embed_all(std::span<const Utterance> utterances, const ForEach& for_each) const;

  /// One embedding for every utterance. Throws Stopped.
  std::vector<Embedding> compute(std::span<const Utterance> utterances, const NetworkRun& run) const;
  void run_block(const Block<T>& block, RowsOf<const T> x, RowsOf<T> y, const NetworkRun& run) const;
  RowsOf<const T> run_tile(const Block<T>& block, RowsOf<const T> x, const Tile& tile, Workspace& workspace,
                           const NetworkRun& run) const;
  RowsOf<T> run_aggregate(RowsOf<T> buffer, MomentsOfEach& moments, const NetworkRun& run) const;
  std::vector<std::vector<float>> pool(RowsOf<const T> x, const MomentsOfEach& moments, const NetworkRun& run) const;

  FrameLayer<T> frame_;
  std::vector<Block<T>> blocks_;
  bool sums_;  ///< a block reads the sum of everything before it
  FrameLayer<T> aggregate_;
  Pooling<T> pooling_;
  Affine pooled_norm_;
  Linear embed_;
  std::optional<Affine> embed_norm_;
  std::vector<float> centre_;
};

template <typename T>
FrameLayer<T> read_aggregate(const Module& module) {
  const Module norm = child(module, "aggregate_norm");
  return read_layer<T>(child(module, "aggregate"), constant(module, "aggregation_norm").toBool() ? &norm : nullptr);
}

template <typename T>
Ecapa<T>::Ecapa(const Module& module)
    : frame_(read_tdnn<T>(child(module, "frame"), read_window(child(module, "neighbours")))),
      sums_(constant(module, "sums").toBool()),
      aggregate_(read_aggregate<T>(module)),
      pooling_(read_pooling<T>(child(module, "pooling"))),
      pooled_norm_(read_norm(child(module, "pooled_norm"))),
      embed_(read_linear(child(module, "embed"))) {
  for (const Module& block : child(module, "blocks").children()) {
    blocks_.push_back(read_block<T>(block));
  }
  if (constant(module, "embedding_norm").toBool()) {
    embed_norm_ = read_norm(child(module, "embed_norm"));
  }
  if (constant(module, "embedding_centre").toBool()) {
    centre_ = values(module, "embedding_mean");
    expect(!centre_.empty(), "the embedding's centre");
  }
  expect_to_fit();
}

template <typename T>
void Ecapa<T>::expect_to_fit() const {
  const std::size_t channels = frame_.outputs();
  expect(frame_.inputs() == frame_.window().taps * feature_dim(), "the first layer");
  for (const Block<T>& block : blocks_) {
    const std::size_t width = channels / (block.chunks.size() + 1);
    expect(width * (block.chunks.size() + 1) == channels, "the chunks of a block");
    for (const FrameLayer<T>& chunk : block.chunks) {
      expect(chunk.window().stride == 1, "a chunk of a block");
      expect_sizes(chunk, chunk.window().taps * width, width, "a chunk of a block");
    }
    const std::size_t squeezed = block.reduce.product.outputs;
    expect_sizes(block.enter, channels, channels, "a block's first layer");
    expect_sizes(block.leave, channels, channels, "a block's last layer");
    expect_sizes(block.reduce.product, channels, squeezed, "squeeze-excitation");
    expect_sizes(block.expand.product, squeezed, channels, "squeeze-excitation");
  }
  const std::size_t pooled = aggregate_.outputs();
  const std::size_t attention = pooling_.attention.outputs();
  expect_sizes(aggregate_, blocks_.size() * channels, pooled, "the layer that joins the blocks");
  expect_sizes(pooling_.attention, pooled, attention, "the attention");
  if (pooling_.from_context) {
    expect_sizes(*pooling_.from_context, 2 * pooled, attention, "the attention's context");
  }
  std::size_t scored = 0;
  for (const FrameLayer<T>& score : pooling_.scores) {
    expect_sizes(score, attention, score.outputs(), "the attention's scores");
    scored += score.outputs();
  }
  expect(scored == pooled, "the attention's scores");
  expect(pooled_norm_.scale.size() == 2 * pooled, "the norm of what is pooled");
  expect(embed_.product.inputs == 2 * pooled, "the embedding");
  expect(!embed_norm_ || embed_norm_->scale.size() == embed_.bias.size(), "the embedding's norm");
  expect(centre_.empty() || centre_.size() == embed_.bias.size(), "the embedding's centre");
}

/// The outputs of Res2Net for a tile of x, computed with the neighbours that they depend on.
template <typename T>
RowsOf<const T> Ecapa<T>::run_tile(const Block<T>& block, RowsOf<const T> x, const Tile& tile, Workspace& workspace,
                                   const NetworkRun& run) const {
  // What each chunk reads beyond what the next one needs.
  std::size_t beyond = block.reach();
  const auto with_neighbours = [&](const UtteranceRows& whole) {
    const std::size_t first = std::max(tile.first, whole.first);
    const std::size_t end = std::min(tile.end(), whole.end());
    return std::pair(first - std::min(first - whole.first, beyond), std::min(end + beyond, whole.end()));
  };
  // All of an utterance's frames at hand; where there are several, a tile holds each whole.
  std::vector<std::pair<std::size_t, std::size_t>> at_hand;
  for (const UtteranceRows& whole : run.utterances) at_hand.push_back(with_neighbours(whole));
  const std::size_t start = at_hand.front().first;
  const std::size_t end = at_hand.back().second;
  const RowsOf<T> channels = workspace.rows<T>(kTileChannels, end - start, block.enter.outputs());
  block.enter.apply(x.part(start, end - start), channels, workspace.scratch);

  const std::size_t width = channels.width / (block.chunks.size() + 1);
  RowsOf<const T> before;
  for (std::size_t i = 0; i < block.chunks.size(); ++i) {
    stop_if_asked(run);
    const FrameLayer<T>& chunk = block.chunks[i];
    beyond -= chunk.window().reach();
    const RowsOf<T> own = channels.columns((i + (block.passes_first ? 1 : 0)) * width, width);
    for (std::size_t s = 0; s < run.utterances.size(); ++s) {
      const UtteranceRows& whole = run.utterances[s];
      const auto [first, last] = at_hand[s];
      const auto [from, to] = with_neighbours(whole);
      const auto part = [&, first = first, last = last](const auto& rows) {
        return rows.data ? rows.part(first - start, last - first) : rows;
      };
      // Gathered before it is overwritten: a chunk's outputs take its inputs' place.
      chunk.convolve(part(own), part(before), {first - whole.first, whole.rows}, from - whole.first,
                     own.part(from - start, to - from), workspace.scratch);
    }
    before = own;
  }
  stop_if_asked(run);
  return channels.part(tile.first - start, tile.rows);
}

template <typename T>
void Ecapa<T>::run_block(const Block<T>& block, RowsOf<const T> x, RowsOf<T> y, const NetworkRun& run) const {
  MomentsOfEach moments(run, y.width);
  by_tiles(
      run,
      [&](const Tile& tile, Workspace& workspace) {
        const RowsOf<T> part = y.part(tile.first, tile.rows);
        block.leave.apply(run_tile(block, x, tile, workspace, run), part, workspace.scratch);
        moments.add(tile, part);
      },
      block.tile());
  std::vector<std::vector<float>> squeezed = times(moments.means(), block.reduce.product);
  for (std::vector<float>& one : squeezed) {
    add(one, block.reduce.bias);
    for (float& value : one) {
      value = std::max(value, 0.0F);
    }
  }
  std::vector<std::vector<float>> gains = times(squeezed, block.expand.product);
  for (std::vector<float>& gain : gains) {
    add(gain, block.expand.bias);
    for (float& value : gain) {
      value = 1 / (1 + std::exp(-value));
    }
  }
  by_tiles(run, [&](const Tile& tile, Workspace&) {
    by_utterances(run, tile, [&](std::size_t i, const Tile& frames, std::size_t) {
      const RowsOf<T> part = y.part(frames.first, frames.rows);
      simd::add_scaled(x.part(frames.first, frames.rows), part, gains[i], part);
    });
  });
}

/// What joins the blocks, in their place, or in that of a tile where there is one alone.
template <typename T>
RowsOf<T> Ecapa<T>::run_aggregate(RowsOf<T> buffer, MomentsOfEach& moments, const NetworkRun& run) const {
  const RowsOf<T> joined = buffer.columns(0, aggregate_.inputs());
  const RowsOf<T> aggregated = buffer.columns(0, aggregate_.outputs());
  RowsOf<T> alone;
  by_tiles(run, [&](const Tile& tile, Workspace& workspace) {
    const RowsOf<T> part = aggregated.part(tile.first, tile.rows);
    const RowsOf<T> result =
        FrameLayer<T>::kInPlace ? part : workspace.rows<T>(kTileChannels, tile.rows, aggregated.width);
    aggregate_.apply(joined.part(tile.first, tile.rows), result, workspace.scratch);
    moments.add(tile, result);
    if (tile.rows == buffer.count) {
      alone = result;
    } else if (result.data != part.data) {
      simd::copy(result, part);
    }
  });
  return alone.data ? alone : aggregated;
}

/// Means and deviations under the attention's weights, of every utterance.
template <typename T>
std::vector<std::vector<float>> Ecapa<T>::pool(RowsOf<const T> x, const MomentsOfEach& moments,
                                               const NetworkRun& run) const {
  const std::size_t count = run.utterances.size();
  const std::vector<std::vector<float>> means = moments.means();
  std::vector<simd::ReluNorm> attention(count, pooling_.attention.relu_norm());
  if (pooling_.from_context) {
    std::vector<std::vector<float>> contexts = means;
    for (std::size_t i = 0; i < count; ++i) {
      const simd::Moments& own = moments.of(i);
      const double divisor = static_cast<double>(own.count()) - (pooling_.unbiased ? 1 : 0);
      for (const double squares : own.squares()) {
        const double variance = squares / divisor;
        const double floor = pooling_.context_floor;
        contexts[i].push_back(
            static_cast<float>(std::sqrt(pooling_.floor_added ? variance + floor : std::max(variance, floor))));
      }
    }
    const std::vector<std::vector<float>> biases = times(contexts, *pooling_.from_context);
    for (std::size_t i = 0; i < count; ++i) add(attention[i].bias, biases[i]);
  }
  const RowsOf<T> hidden = run.workspace.rows<T>(kHidden, x.count, pooling_.attention.outputs());
  by_tiles(run, [&](const Tile& tile, Workspace& workspace) {
    const Rows product = pooling_.attention.multiply(x.part(tile.first, tile.rows), workspace.scratch);
    by_utterances(run, tile, [&](std::size_t i, const Tile& frames, std::size_t from) {
      const Rows own = product.part(from, frames.rows);
      if (pooling_.relu_norm) {
        simd::relu_norm(own, attention[i], own);
      } else {
        simd::add_bias(own, attention[i].bias, own);
      }
    });
    simd::tanh(product);
    simd::copy(product, hidden.part(tile.first, tile.rows));
  });

  std::vector<std::vector<float>> pooled(count, std::vector<float>(2 * x.width));
  // A slab's weights depend on all frames so far: its tiles follow each other.
  for_each_part(run.for_each, pooling_.scores.size(), [&](std::size_t slab) {
    const FrameLayer<T>& score = pooling_.scores[slab];
    const std::size_t start = slab * kSlab;
    LayerScratch& scratch = Workspace::of_this_thread().scratch;
    std::vector<simd::SoftmaxMoments> weighted;
    weighted.reserve(means.size());
    for (const std::vector<float>& centres : means) {
      weighted.emplace_back(std::span<const float>(centres).subspan(start, score.outputs()));
    }
    const std::size_t tiles = tiles_of(run, kTile);
    for (std::size_t number = 0; number < tiles; ++number) {
      stop_if_asked(run);
      const Tile tile = tile_of(number, tiles, x.count);
      const Rows scores = score.multiply(hidden.part(tile.first, tile.rows), scratch);
      by_utterances(run, tile, [&](std::size_t i, const Tile& frames, std::size_t from) {
        weighted[i].add(scores.part(from, frames.rows),
                        x.part(frames.first, frames.rows).columns(start, score.outputs()));
      });
    }
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t c = 0; c < score.outputs(); ++c) {
        pooled[i][start + c] = weighted[i].mean(c);
        pooled[i][x.width + start + c] = std::sqrt(std::max(weighted[i].variance(c), pooling_.pooled_floor));
      }
    }
  });
  return pooled;
}

template <typename T>
std::uint64_t Ecapa<T>::activation_bytes(std::size_t frames) const {
  const std::size_t rows = rows_of(frames);
  // The buffers that are as long as the utterance, kInput, kJoined and kHidden, and a tile in kTileChannels.
  const std::size_t input = keeps_input() ? frame_.outputs() : 0;
  std::size_t tile = 0;
  for (const Block<T>& block : blocks_) tile = std::max(tile, std::min(rows, block.tile() + 2 * block.reach()));
  return (static_cast<std::uint64_t>(rows) * (input + joined_width() + pooling_.attention.outputs()) +
          static_cast<std::uint64_t>(tile) * frame_.outputs()) *
         sizeof(T);
}

template <typename T>
Result<Embedding> Ecapa<T>::embed(ConstRows features, const Interrupt& interrupt, const ForEach& for_each) const {
  const Utterance one[] = {{features, &interrupt}};
  auto embeddings = embed_all(one, for_each);
  if (!embeddings) return std::move(embeddings).error();
  return std::move(embeddings.value().front());
}

template <typename T>
std::size_t Ecapa<T>::frames_together() const {
  // Products in fp32 take so long that reading their weights costs little, and MKL's give other bits among other rows.
  return std::is_same_v<T, simd::Bf16> ? kTile * frame_.window().stride : 0;
}

template <typename T>
std::vector<Result<Embedding>> Ecapa<T>::embed_together(std::span<const Utterance> utterances) const {
  auto embeddings = embed_all(utterances, kInTurn);
  std::vector<Result<Embedding>> results;
  for (std::size_t i = 0; i < utterances.size(); ++i) {
    if (auto stopped = utterances[i].interrupt->check()) {
      results.emplace_back(*std::move(stopped));
    } else if (embeddings) {
      results.emplace_back(std::move(embeddings.value()[i]));
    } else {
      results.emplace_back(embeddings.error());
    }
  }
  return results;
}

/// Errors: what the interrupts say, where all do.
template <typename T>
Result<std::vector<Embedding>> Ecapa<T>::embed_all(std::span<const Utterance> utterances,
                                                   const ForEach& for_each) const {
  struct AfterUse {
    Workspace& workspace;
    ~AfterUse() { workspace.trim(); }
  };
  const AfterUse after_use{Workspace::of_this_thread()};
  std::vector<UtteranceRows> rows;
  for (const auto& [features, interrupt] : utterances) {
    TORCH_CHECK(features.width == feature_dim(), "features of ", features.width, " values where the network takes ",
                feature_dim());
    rows.push_back({rows.empty() ? 0 : rows.back().end(), rows_of(features.count), interrupt});
  }
  try {
    return compute(utterances, {after_use.workspace, rows, for_each});
  } catch (Stopped& stopped) {
    return std::move(stopped.reason);
  }
}

template <typename T>
std::vector<Embedding> Ecapa<T>::compute(std::span<const Utterance> utterances, const NetworkRun& run) const {
  const std::size_t channels = frame_.outputs();
  // The layer that joins the blocks reads and writes row by row: its outputs take its inputs' place.
  const RowsOf<T> buffer = run.workspace.rows<T>(kJoined, run.rows(), joined_width());
  const RowsOf<T> input = keeps_input() ? run.workspace.rows<T>(kInput, run.rows(), channels)
                                        : buffer.columns((blocks_.size() - 1) * channels, channels);
  by_tiles(run, [&](const Tile& tile, Workspace& workspace) {
    by_utterances(run, tile, [&](std::size_t i, const Tile& frames, std::size_t) {
      const ConstRows features = utterances[i].features;
      frame_.convolve(features, {}, {0, features.count}, frames.first - run.utterances[i].first,
                      input.part(frames.first, frames.rows), workspace.scratch);
    });
  });
  RowsOf<const T> x = input;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const RowsOf<T> y = buffer.columns(i * channels, channels);
    run_block(blocks_[i], x, y, run);
    if (!sums_) {
      x = y;
    } else if (i + 1 < blocks_.size()) {
      const std::vector<float> ones(channels, 1);
      by_tiles(run, [&](const Tile& tile, Workspace&) {
        const RowsOf<T> sum = input.part(tile.first, tile.rows);
        simd::add_scaled(x.part(tile.first, tile.rows), y.part(tile.first, tile.rows), ones, sum);
      });
    }
  }
  MomentsOfEach moments(run, aggregate_.outputs());
  const RowsOf<T> aggregated = run_aggregate(buffer, moments, run);

  std::vector<std::vector<float>> pooled = pool(aggregated, moments, run);
  for (std::vector<float>& one : pooled) scale_and_shift(one, pooled_norm_.scale, pooled_norm_.shift);
  std::vector<Embedding> embeddings = times(pooled, embed_.product);
  for (Embedding& embedding : embeddings) {
    add(embedding, embed_.bias);
    if (embed_norm_) {
      scale_and_shift(embedding, embed_norm_->scale, embed_norm_->shift);
    }
    if (!centre_.empty()) {
      centre(embedding, centre_);
    }
  }
  return embeddings;
}

}  // namespace

bool EcapaNetwork::is_of(const Module& module) { return module.type()->name()->name() == "Ecapa"; }

std::unique_ptr<const EcapaNetwork> EcapaNetwork::of(const Module& module, Precision precision) {
  if (!is_of(module)) {
    return nullptr;
  }
  if (precision == Precision::bf16) {
    return std::make_unique<const Ecapa<simd::Bf16>>(module);
  }
  return std::make_unique<const Ecapa<float>>(module);
}

}  // namespace timbre::network
