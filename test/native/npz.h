#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

namespace timbre::testing {

/// An array of float32, or of int16 widened.
struct NpyArray {
  std::vector<std::size_t> shape;
  std::vector<float> values;
};

/// The arrays of a file of numpy.savez or numpy.savez_compressed, by name. Throws std::runtime_error.
class Npz {
 public:
  explicit Npz(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    const std::size_t end = bytes_.rfind("PK\x05\x06");
    if (end == bytes_.npos) {
      throw std::runtime_error(path + " is no npz file");
    }
    const auto count = get<std::uint16_t>(end + 10);
    std::size_t at = get<std::uint32_t>(end + 16);
    for (int i = 0; i < count; ++i) {
      const auto name_bytes = get<std::uint16_t>(at + 28);
      const std::string name = bytes_.substr(at + 46, name_bytes);
      members_[name.substr(0, name.rfind(".npy"))] = at;
      at += 46U + name_bytes + get<std::uint16_t>(at + 30) + get<std::uint16_t>(at + 32);
    }
  }

  bool contains(const std::string& name) const { return members_.contains(name); }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, at] : members_) {
      names.push_back(name);
    }
    return names;
  }

  NpyArray read(const std::string& name) const {
    const std::string npy = unpack(name);
    const std::size_t header_bytes =
        static_cast<unsigned char>(npy.at(8)) + 256U * static_cast<unsigned char>(npy.at(9));
    const std::string header = npy.substr(10, header_bytes);
    const std::string data = npy.substr(10 + header_bytes);
    std::smatch match;
    if (!std::regex_search(header, match, std::regex("'fortran_order': False, 'shape': \\(([0-9, ]*)\\)"))) {
      throw std::runtime_error(name + " has the header " + header);
    }
    NpyArray array;
    const std::string shape = match[1];
    const std::regex number("[0-9]+");
    for (std::sregex_iterator found(shape.begin(), shape.end(), number); found != std::sregex_iterator(); ++found) {
      array.shape.push_back(std::stoul(found->str()));
    }
    if (header.find("'<f4'") != header.npos) {
      array.values.resize(data.size() / sizeof(float));
      std::memcpy(array.values.data(), data.data(), data.size());
    } else if (header.find("'<i2'") != header.npos) {
      std::vector<std::int16_t> integers(data.size() / sizeof(std::int16_t));
      std::memcpy(integers.data(), data.data(), data.size());
      array.values.assign(integers.begin(), integers.end());
    } else {
      throw std::runtime_error(name + " has the header " + header);
    }
    return array;
  }

 private:
  template <typename T>
  T get(std::size_t at) const {
    T value;
    std::memcpy(&value, bytes_.data() + at, sizeof(T));
    return value;
  }

  std::string unpack(const std::string& name) const {
    const auto member = members_.find(name);
    if (member == members_.end()) {
      throw std::runtime_error("there is no array " + name);
    }
    const std::size_t entry = member->second;
    const std::size_t local = get<std::uint32_t>(entry + 42);
    const std::size_t begin = local + 30 + get<std::uint16_t>(local + 26) + get<std::uint16_t>(local + 28);
    const std::string packed = bytes_.substr(begin, get<std::uint32_t>(entry + 20));
    if (get<std::uint16_t>(entry + 10) == 0) {
      return packed;
    }
    std::string unpacked(get<std::uint32_t>(entry + 24), '\0');
    z_stream stream{};
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(unpacked.data());
    stream.avail_out = static_cast<uInt>(unpacked.size());
    inflateInit2(&stream, -MAX_WBITS);
    const int status = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    if (status != Z_STREAM_END) {
      throw std::runtime_error(name + " cannot be inflated");
    }
    return unpacked;
  }

  std::string bytes_;
  std::map<std::string, std::size_t> members_;  ///< by name: where its directory entry begins
};

}  // namespace timbre::testing
