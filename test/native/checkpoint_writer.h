#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace timbre::testing {

template <typename T>
std::string little_endian(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

template <typename T>
std::string raw_bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

inline std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const unsigned char byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320U : 0U);
    }
  }
  return ~crc;
}

/// A zip archive with the 64-bit end records that PyTorch writes; every field may lie.
class ZipWriter {
 public:
  struct Lies {
    std::uint16_t method = 0;
    std::uint16_t flags = 0;
    std::uint32_t size = 0;  ///< 0: none
    bool checksum = true;
  };

  void add(const std::string& name, std::string_view data) { add(name, data, Lies{}); }

  void add(const std::string& name, std::string_view data, const Lies& lies) {
    const auto offset = static_cast<std::uint32_t>(body_.size());
    const auto size = lies.size != 0 ? lies.size : static_cast<std::uint32_t>(data.size());
    const std::string common =
        little_endian<std::uint16_t>(0) + little_endian(lies.flags) + little_endian(lies.method) +
        little_endian<std::uint32_t>(0) + little_endian(lies.checksum ? crc32(data) : 0U) + little_endian(size) +
        little_endian(size) + little_endian(static_cast<std::uint16_t>(name.size())) + little_endian<std::uint16_t>(0);
    body_ += "PK\x03\x04" + common + name;
    body_ += data;
    directory_ +=
        "PK\x01\x02" + little_endian<std::uint16_t>(0) + common + std::string(10, '\0') + little_endian(offset) + name;
    ++entries_;
  }

  /// Distances that do not hold, added to the directory's fields.
  struct EndLies {
    std::uint64_t entries = 0;
    std::uint64_t size = 0;
    std::uint64_t offset = 0;
  };

  std::string finish() const { return finish(EndLies{}); }

  std::string finish(const EndLies& lies) const {
    const std::uint64_t end64 = body_.size() + directory_.size();
    return body_ + directory_ + "PK\x06\x06" + little_endian<std::uint64_t>(44) + std::string(12, '\0') +
           little_endian(entries_) + little_endian(entries_ + lies.entries) +
           little_endian(directory_.size() + lies.size) + little_endian(body_.size() + lies.offset) + "PK\x06\x07" +
           std::string(4, '\0') + little_endian(end64) + little_endian<std::uint32_t>(1) + "PK\x05\x06" +
           std::string(18, '\0');
  }

 private:
  std::string body_;
  std::string directory_;
  std::uint64_t entries_ = 0;
};

/// Opcodes of pickle protocol 2, as torch.save writes them.
class PickleWriter {
 public:
  PickleWriter& raw(std::string_view opcodes) {
    bytes_ += opcodes;
    return *this;
  }
  PickleWriter& text(const std::string& value) {
    return raw("X" + little_endian(static_cast<std::uint32_t>(value.size())) + value);
  }
  PickleWriter& integer(std::int64_t value) { return raw("\x8a\x08" + little_endian(value)); }
  PickleWriter& integers(std::span<const std::int64_t> values) {
    raw("(");
    for (const std::int64_t value : values) {
      integer(value);
    }
    return raw("t");
  }
  PickleWriter& global(const std::string& module, const std::string& name) {
    return raw("c" + module + "\n" + name + "\n");
  }
  PickleWriter& ordered_dict() { return global("collections", "OrderedDict").raw(")R"); }
  PickleWriter& storage(const std::string& type, const std::string& key, std::int64_t elements) {
    return raw("(").text("storage").global("torch", type).text(key).text("cuda:0").integer(elements).raw("tQ");
  }
  PickleWriter& tensor(const std::string& type, const std::string& key, std::int64_t elements, std::int64_t offset,
                       std::span<const std::int64_t> shape, std::span<const std::int64_t> strides) {
    return global("torch._utils", "_rebuild_tensor_v2")
        .raw("(")
        .storage(type, key, elements)
        .integer(offset)
        .integers(shape)
        .integers(strides)
        .raw("\x89")
        .ordered_dict()
        .raw("tR");
  }

  std::string finish() const { return "\x80\x02" + bytes_ + "."; }

 private:
  std::string bytes_;
};

inline std::vector<std::int64_t> contiguous(std::span<const std::int64_t> shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) {
    strides[i - 1] = strides[i] * shape[i];
  }
  return strides;
}

struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// A state dict of float32 tensors as torch.save(model.state_dict(), ...) writes it.
inline std::string write_checkpoint(std::span<const NamedTensor> tensors) {
  ZipWriter zip;
  PickleWriter pickle;
  pickle.ordered_dict().raw("(");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const NamedTensor& tensor = tensors[i];
    pickle.text(tensor.name)
        .tensor("FloatStorage", std::to_string(i), static_cast<std::int64_t>(tensor.values.size()), 0, tensor.shape,
                contiguous(tensor.shape));
  }
  pickle.raw("u}").text("_metadata").ordered_dict().raw("sb");
  zip.add("archive/data.pkl", pickle.finish());
  zip.add("archive/byteorder", "little");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    zip.add("archive/data/" + std::to_string(i), raw_bytes(tensors[i].values));
  }
  zip.add("archive/version", "3\n");
  return zip.finish();
}

}  // namespace timbre::testing
