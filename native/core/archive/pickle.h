#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace timbre::archive {

/// Element types that PyTorch gives storages.
enum class ElementType { float32, float64, float16, bfloat16, int64, int32, int16, int8, uint8, boolean };

std::string_view name(ElementType type);
std::size_t bytes_of(ElementType type);
bool is_floating(ElementType type);

/// A view of a storage, as torch._utils._rebuild_tensor_v2 takes it. Nothing is checked against the storage yet.
struct StoredTensor {
  ElementType type = ElementType::float32;
  std::string_view storage;  ///< its key: the archive's member data/<key>
  std::int64_t storage_elements = 0;
  std::int64_t offset = 0;  ///< elements
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
};

/// One value of a pickle. Values refer to each other by their places in Pickle::values, so no nesting and no cycle of
/// the file's needs recursion here.
struct PickleValue {
  enum class Kind { dropped, integer, string, tuple, dictionary, global, storage, tensor };
  Kind kind = Kind::dropped;
  std::int64_t integer = 0;  ///< an integer; of a global, a storage or a tensor the index of what it stands for
  std::string_view text;
  std::vector<std::uint32_t> items;  ///< of a tuple; of a dictionary key, value, key, value, ...
};

struct Pickle {
  std::vector<PickleValue> values;
  std::vector<StoredTensor> tensors;
  std::uint32_t root = 0;
};

/// Reads the pickle of a checkpoint: dictionaries, numbers, strings, lists and tensors, as torch.save writes them with
/// pickle protocol 2. What a list holds and what is no tensor is dropped.
///
/// Nothing is imported and nothing called: a global outside a fixed list is an error, and the few on it are recognised
/// by name. Memory is bounded by the pickle's length. Texts are views of `bytes`.
///
/// Errors: MODEL_INVALID, naming the global or the opcode.
Result<Pickle> unpickle(std::string_view bytes);

}  // namespace timbre::archive
