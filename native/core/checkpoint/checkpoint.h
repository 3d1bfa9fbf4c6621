#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "archive/bytes.h"
#include "archive/pickle.h"
#include "support/result.h"

namespace timbre::checkpoint {

/// One named tensor of a checkpoint; its elements stay in the file until Checkpoint::read().
struct CheckpointTensor {
  std::string name;
  archive::ElementType type = archive::ElementType::float32;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;  ///< elements
  std::uint64_t file_offset = 0;      ///< bytes, of the first element

  /// Checked by Checkpoint::open() not to overflow.
  std::int64_t elements() const;
};

/// "[1024, 80, 5]"
std::string describe_shape(std::span<const std::int64_t> shape);

/// The tensors of a checkpoint: a file of torch.save (PyTorch 1.6 and later) or of safetensors.
///
/// A file that nests its tensors ({"state_dict": {...}, "epoch": 3}) is entered; notes() says where they were taken
/// from. Reading never runs anything of the file's, and uses memory bounded by its size. Not thread-safe.
class Checkpoint {
 public:
  /// Errors: MODEL_NOT_FOUND; MODEL_INVALID, saying what the file is instead or what is wrong with it.
  static Result<Checkpoint> open(const std::string& path);

  /// The same from any source; messages do not name it.
  static Result<Checkpoint> read_from(archive::ByteSource source);

  /// In the file's order; every one lies inside it, no name occurs twice.
  std::span<const CheckpointTensor> tensors() const { return tensors_; }

  /// What a person should know about how the file was read, one sentence each.
  std::span<const std::string> notes() const { return notes_; }

  /// The elements of one of tensors() in row-major order, as float32 (rounded from float64).
  /// Errors: MODEL_INVALID, naming the tensor, for elements that are no floating-point numbers, or not finite.
  Result<std::vector<float>> read(const CheckpointTensor& tensor) const;

  /// The one element of an int64 tensor, such as a counter. Errors: MODEL_INVALID, naming the tensor.
  Result<std::int64_t> read_integer(const CheckpointTensor& tensor) const;

 private:
  Checkpoint(archive::ByteSource source, std::vector<CheckpointTensor> tensors, std::vector<std::string> notes)
      : source_(std::move(source)), tensors_(std::move(tensors)), notes_(std::move(notes)) {}

  archive::ByteSource source_;
  std::vector<CheckpointTensor> tensors_;
  std::vector<std::string> notes_;
};

}  // namespace timbre::checkpoint
