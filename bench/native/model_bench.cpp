// A bundle's network by length and threads, one utterance each, and the matrix products that most of it is made of.
//
//   bench_model [--model=BUNDLE] [google-benchmark's flags]
//
// The bundle: --model, else TIMBRE_BENCH_MODEL, else models/starter.pt. GFLOP/s counts the products that the network
// needs at the sizes of its manifest, two operations a multiply-add; biases, norms and activations are not counted.
// A share of the machine's rate is the quotient of two lines of one run: network by the best product of as many
// threads.
#include <ATen/Functions.h>
#include <benchmark/benchmark.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "bundle/torch_model.h"
#include "features/front_end.h"
#include "network/frame_layer.h"
#include "network/int8.h"
#include "network/precision.h"
#include "network/product.h"
#include "network/torch_settings.h"
#include "stage.h"

namespace {

using namespace timbre;

constexpr int kThreads = 2;
constexpr double kSecondsOfProducts = 3;

/// Sizes of a network, from its manifest.
struct Sizes {
  std::int64_t feature_dim;
  std::int64_t channels;
  std::int64_t scale;
  std::int64_t pooled;
  std::int64_t squeeze;
  std::int64_t attention;
  std::int64_t embedding;
  std::int64_t kernel;
  std::int64_t block_kernel;
  std::int64_t blocks;
  std::int64_t stride;
  bool context;

  explicit Sizes(const nlohmann::json& network)
      : feature_dim(network.at("featureDim")),
        channels(network.at("channels")),
        scale(network.at("scale")),
        pooled(network.at("pooledChannels")),
        squeeze(network.at("squeezeChannels")),
        attention(network.at("attentionChannels")),
        embedding(network.at("embeddingDim")),
        kernel(network.at("kernel")),
        block_kernel(network.at("blockKernel")),
        blocks(static_cast<std::int64_t>(network.at("dilations").size())),
        stride(network.at("stride")),
        context(network.at("globalContext")) {}

  std::int64_t steps(std::int64_t frames) const { return (frames + stride - 1) / stride; }

  /// Operations of the matrix products over so many frames of features.
  double flop(std::int64_t frames) const {
    const std::int64_t width = channels / scale;
    const std::int64_t block = 2 * channels * channels + (scale - 1) * block_kernel * width * width;
    const std::int64_t each_step =
        kernel * feature_dim * channels + blocks * (block + channels * pooled) + 2 * pooled * attention;
    const std::int64_t once =
        blocks * 2 * channels * squeeze + (context ? 2 * pooled * attention : 0) + 2 * pooled * embedding;
    return 2.0 * static_cast<double>(steps(frames) * each_step + once);
  }
};

/// The bundle of this run.
struct Subject {
  std::unique_ptr<const bundle::Model> model;
  std::unique_ptr<const FrontEnd> front_end;
  Sizes sizes;
};

void set_rates(benchmark::State& state, double flop) {
  const auto done = static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = benchmark::Counter(1e-9 * flop * done, benchmark::Counter::kIsRate);
  state.counters["per second"] = benchmark::Counter(done, benchmark::Counter::kIsRate);
}

void network(benchmark::State& state, const Subject& subject, double seconds) {
  const bundle::Manifest& manifest = subject.model->manifest();
  const Matrix features =
      bench::take(subject.front_end->compute(bench::voice(seconds, manifest.front_end.sample_rate)));
  const bundle::Utterance one[] = {{&features}};
  bench::take(subject.model->embed(one));
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(bench::take(subject.model->embed(one)));
  set_rates(state, subject.sizes.flop(static_cast<std::int64_t>(features.rows)));
}

/// A product [rows, inputs] x [inputs, outputs] as LibTorch's linear layer does it.
void plain_product(benchmark::State& state, std::int64_t rows, std::int64_t inputs, std::int64_t outputs) {
  const network::TorchScope scope;
  const at::Tensor x = at::randn({rows, inputs});
  const at::Tensor weight = at::randn({outputs, inputs});
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(at::linear(x, weight));
  set_rates(state, 2.0 * static_cast<double>(rows * inputs * outputs));
}

/// The same by a product of the network.
void network_product(benchmark::State& state, const network::Product& product, std::int64_t rows) {
  const network::TorchScope scope;
  const auto inputs = static_cast<std::int64_t>(product.inputs());
  const at::Tensor x = at::randn({rows, inputs});
  const simd::ConstRows view{x.const_data_ptr<float>(), static_cast<std::size_t>(rows), product.inputs(),
                             product.inputs()};
  network::Product::Scratch scratch;
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(product(view, scratch));
  set_rates(state, 2.0 * static_cast<double>(rows * inputs) * static_cast<double>(product.outputs()));
}

/// The same by a layer whose activations are bf16; its weights may be int8.
void layer_product(benchmark::State& state, const network::FrameLayer<simd::Bf16>& layer, std::int64_t rows) {
  const std::size_t inputs = layer.inputs();
  const auto count = static_cast<std::size_t>(rows);
  const std::vector<simd::Bf16> x((count + simd::Bf16Matrix::kRowsTogether) * inputs, simd::to_bf16(0.5F));
  network::LayerScratch scratch;
  const simd::ConstBf16Rows view{x.data(), count, inputs, inputs};
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(layer.multiply(view, scratch));
  set_rates(state, 2.0 * static_cast<double>(count * inputs * layer.outputs()));
}

template <typename Work>
void add(const std::string& name, Work work) {
  for (int threads = 1; threads <= kThreads; ++threads) {
    benchmark::RegisterBenchmark(name.c_str(), work)->Threads(threads)->UseRealTime()->Unit(benchmark::kMillisecond);
  }
}

void add_products(const Subject& subject) {
  const network::TorchScope scope;
  const Sizes& sizes = subject.sizes;
  const auto rate = static_cast<double>(subject.model->manifest().front_end.sample_rate);
  const auto frames = subject.front_end->frames(static_cast<std::size_t>(kSecondsOfProducts * rate));
  const std::int64_t rows = sizes.steps(static_cast<std::int64_t>(frames));
  const std::pair<std::int64_t, std::int64_t> layers[] = {{sizes.channels, sizes.channels},
                                                          {sizes.blocks * sizes.channels, sizes.pooled}};
  for (const auto& [inputs, outputs] : layers) {
    const std::string shape = std::to_string(rows) + "x" + std::to_string(inputs) + "x" + std::to_string(outputs);
    add("product/linear/" + shape, [=](benchmark::State& state) { plain_product(state, rows, inputs, outputs); });
    const at::Tensor weight = at::randn({outputs, inputs});
    const std::shared_ptr<const network::Product> packed = network::float_product(weight);
    add("product/packed/" + shape, [=](benchmark::State& state) { network_product(state, *packed, rows); });
    const auto add_layer = [&](const std::string& name, const at::Tensor& weights) {
      const auto layer =
          std::make_shared<const network::FrameLayer<simd::Bf16>>(weights, simd::ReluNorm(), simd::Window());
      add(name + "/" + shape, [=](benchmark::State& state) { layer_product(state, *layer, rows); });
    };
    if (network::why_no_bf16().empty()) add_layer("bf16", weight);
    if (network::why_no_int8().empty()) add_layer("int8", network::to_int8(weight));
  }
}

void add_networks(const Subject& subject) {
  for (const int seconds : {1, 3, 10, 30}) {
    add("network/" + subject.model->precision() + '/' + std::to_string(seconds) + "s",
        [&subject, seconds](benchmark::State& state) { network(state, subject, static_cast<double>(seconds)); });
  }
}

Subject load(const std::string& path, const std::string& precision) {
  auto model = bench::take(bundle::load_torch_model(path, "cpu", {TIMBRE_SKELETONS}, precision));
  auto front_end = bench::take(FrontEnd::create(model->manifest().front_end));
  const Sizes sizes(nlohmann::json::parse(model->manifest().json).at("network"));
  return {std::move(model), std::move(front_end), sizes};
}

}  // namespace

int main(int count, char** words) {
  benchmark::Initialize(&count, words);
  const std::string path = bench::model_path(count, words);
  const Subject subject = load(path, "auto");
  const bool int8 = subject.model->precision() == "int8";
  const Subject other = load(path, int8 ? "int8" : "fp32");
  benchmark::AddCustomContext("model", subject.model->manifest().id);
  benchmark::AddCustomContext("digest", subject.model->manifest().weights_digest);
  add_products(subject);
  add_networks(other);
  if (subject.model->precision() != other.model->precision()) add_networks(subject);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
