#include "bundle/digest.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <memory>

#include "support/text.h"

namespace timbre::bundle {

static_assert(std::endian::native == std::endian::little, "the digest reads tensors where they lie");

std::string weights_digest(std::vector<TensorBytes> tensors) {
  std::ranges::sort(tensors, {}, &TensorBytes::name);
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), &XXH3_freeState);
  XXH3_128bits_reset(state.get());
  for (const TensorBytes& tensor : tensors) {
    std::string header = tensor.name + '\0' + tensor.dtype + '\0';
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
      header += (i > 0 ? "x" : "") + std::to_string(tensor.shape[i]);
    }
    header += '\0';
    XXH3_128bits_update(state.get(), header.data(), header.size());
    XXH3_128bits_update(state.get(), tensor.bytes.data(), tensor.bytes.size());
  }
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state.get()));
  return hex_digits(canonical.digest);
}

}  // namespace timbre::bundle
