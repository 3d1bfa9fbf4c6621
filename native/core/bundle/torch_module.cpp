#include "bundle/torch_module.h"

#include <c10/util/Exception.h>

#include <array>
#include <exception>
#include <new>
#include <span>
#include <string_view>
#include <vector>

#include "bundle/digest.h"

namespace timbre::bundle {

namespace {

constexpr std::size_t kLongestReason = 300;

/// The line that says what happened. A TorchScript error begins with a traceback through the module's code and ends
/// with it; every other one begins with it and goes on with hints and stacks.
std::string reason(std::string_view text) {
  const auto trim = [](std::string_view line) {
    const auto first = line.find_first_not_of(" \t\r\n");
    const auto last = line.find_last_not_of(" \t\r\n");
    return first == line.npos ? std::string_view() : line.substr(first, last - first + 1);
  };
  text = trim(text);
  const bool traceback = text.find("Traceback of TorchScript") != text.npos;
  std::string line(trim(traceback ? text.substr(text.rfind('\n') + 1) : text.substr(0, text.find('\n'))));
  if (line.size() > kLongestReason) {
    line = line.substr(0, kLongestReason) + "...";
  }
  return line;
}

/// TorchScript's interpreter throws what it catches anew, as text.
bool is_out_of_memory(std::string_view text) {
  for (const std::string_view sign :
       {"out of memory", "not enough memory", "can't allocate memory", "std::bad_alloc"}) {
    if (text.find(sign) != text.npos) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string weights_digest(const torch::jit::Module& module) {
  std::vector<at::Tensor> kept;
  std::vector<TensorBytes> tensors;
  const auto add_dense = [&](const std::string& name, const at::Tensor& tensor, const std::string& dtype) {
    const at::Tensor& dense = kept.emplace_back(tensor.contiguous());
    const auto* bytes = static_cast<const std::byte*>(dense.const_data_ptr());
    tensors.push_back({name, dtype, dense.sizes().vec(), {bytes, dense.nbytes()}});
  };
  const auto add = [&](const std::string& name, const at::Tensor& tensor) {
    if (tensor.is_quantized()) {
      add_dense(name, tensor.int_repr(), "qint8");
      add_dense(name + ".scales", tensor.q_per_channel_scales(), "double");
    } else {
      add_dense(name, tensor, std::string(c10::getDtypeNames(tensor.scalar_type()).first));
    }
  };
  for (const auto& parameter : module.named_parameters()) {
    add(parameter.name, parameter.value);
  }
  for (const auto& buffer : module.named_buffers()) {
    add(buffer.name, buffer.value);
  }
  return weights_digest(std::move(tensors));
}

bool widen(torch::jit::Module& module) {
  bool int8 = false;
  for (torch::jit::Module part : module.modules()) {
    std::vector<std::pair<std::string, at::Tensor>> narrow;
    const auto gather = [&](const auto& list) {
      for (const auto& [name, value] : list) {
        if (value.is_quantized()) {
          int8 = true;
          narrow.emplace_back(name, value.dequantize());
        } else if (value.scalar_type() == at::kHalf) {
          narrow.emplace_back(name, value.to(at::kFloat));
        }
      }
    };
    gather(part.named_parameters(/*recurse=*/false));
    gather(part.named_buffers(/*recurse=*/false));
    for (const auto& [name, value] : narrow) {
      part.setattr(name, value);
    }
  }
  return int8;
}

Error torch_error(ErrorCode otherwise, const std::string& what) {
  std::string text;
  try {
    throw;
  } catch (const c10::Error& error) {
    text = error.what_without_backtrace();
  } catch (const std::exception& error) {
    text = error.what();
  } catch (...) {
    text = "an exception of unknown type";
  }
  if (is_out_of_memory(text)) {
    return Error{ErrorCode::OUT_OF_MEMORY, what + ": memory ran out (" + reason(text) + ")"};
  }
  return Error{otherwise, what + ": " + reason(text)};
}

}  // namespace timbre::bundle
