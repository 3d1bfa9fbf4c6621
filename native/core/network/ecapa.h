#pragma once

#include <torch/csrc/jit/api/module.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "network/embedding.h"
#include "network/page_buffer.h"
#include "network/product.h"
#include "simd/moments.h"
#include "simd/passes.h"
#include "simd/rows.h"
#include "support/interrupt.h"
#include "support/result.h"

namespace timbre::network {

/// The network of models/timbre_models/ecapa.py as a processor likes it: one utterance at a time, weights laid out
/// once, one pass over the activations between two products, no copies. The same sums as the module's own forward, up
/// to rounding. Immutable: any thread may embed. See docs/adr/0006.
class EcapaNetwork {
 public:
  /// Activations of an utterance, kept for the next one: one for each thread.
  class Workspace;

  /// The network of a module, whose constants and tensors say everything; int8 where its weights are and the processor
  /// can. Nothing for a module of other code. Throws what LibTorch throws.
  static std::unique_ptr<const EcapaNetwork> of(const torch::jit::Module& module);

  /// features: [frames, bins], at least as many frames as the manifest asks for. Looks at `interrupt` before every tile
  /// of a few hundred frames. Errors: what `interrupt` says. Throws what LibTorch throws.
  Result<Embedding> embed(simd::ConstRows features, Workspace& workspace, const Interrupt& interrupt) const;

  /// Bytes that a workspace takes for so many frames, beside what every one takes.
  std::uint64_t activation_bytes(std::size_t frames) const;

 private:
  struct Affine {
    std::vector<float> scale;
    std::vector<float> shift;
  };

  /// Convolution, ReLU, batch norm.
  struct Layer {
    std::unique_ptr<const Product> product;
    simd::ReluNorm relu_norm;
    simd::Window window;
  };

  /// A product and its bias.
  struct Linear {
    std::unique_ptr<const Product> product;
    std::vector<float> bias;
  };

  struct Block {
    Layer enter;
    std::vector<Layer> chunks;
    bool passes_first = true;  ///< the chunk that passes Res2Net unchanged: the first or the last
    Layer leave;
    Linear reduce;
    Linear expand;
  };

  struct Pooling {
    Layer attention;
    bool relu_norm = true;                               ///< ReLU and batch norm before the tanh
    std::unique_ptr<const Product> from_context;         ///< null without global context
    std::vector<std::unique_ptr<const Product>> scores;  ///< of kSlab channels each
    bool unbiased = false;
    bool floor_added = false;
    double context_floor = 0;
    float pooled_floor = 0;
  };

  static Layer read_layer(const torch::jit::Module& linear, const torch::jit::Module* norm);
  static Layer read_tdnn(const torch::jit::Module& tdnn);
  static Linear read_linear(const torch::jit::Module& linear);
  static Affine read_norm(const torch::jit::Module& norm);
  static simd::Window read_window(const torch::jit::Module& neighbours);
  static Block read_block(const torch::jit::Module& block);
  static Pooling read_pooling(const torch::jit::Module& pooling);

  /// Throws where a tensor's size is not what another's makes it.
  void expect_to_fit() const;
  std::size_t feature_dim() const;
  Embedding run(simd::ConstRows features, Workspace& workspace) const;
  void convolve(const Layer& layer, simd::ConstRows x, simd::ConstRows y, simd::Rows to, Workspace& workspace) const;
  void run_block(const Block& block, simd::ConstRows x, simd::Rows y, Workspace& workspace) const;
  std::vector<float> pool(simd::ConstRows x, const simd::Moments& moments, Workspace& workspace) const;

  Layer frame_;
  std::vector<Block> blocks_;
  bool sums_ = false;  ///< a block reads the sum of everything before it
  Layer aggregate_;
  Pooling pooling_;
  Affine pooled_norm_;
  Linear embed_;
  std::optional<Affine> embed_norm_;
  std::vector<float> centre_;
};

class EcapaNetwork::Workspace {
 public:
  /// Rows of the buffer with this number, whose content is undefined.
  simd::Rows rows(std::size_t buffer, std::size_t count, std::size_t width);

  /// Gives back what only long utterances need.
  void trim() noexcept;

  Product::Scratch scratch;
  const Interrupt* interrupt = &kUninterrupted;  ///< of the utterance at hand

 private:
  std::array<PageBuffer, 6> buffers_;
};

}  // namespace timbre::network
