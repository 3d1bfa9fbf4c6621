#pragma once

#include "isolation/channel.h"

namespace timbre {

/// The life of a decoder's process: puts up its walls before the first byte of a recording is read, then decodes one
/// recording after the other until the other end closes. 0 then; another status where the walls could not be put up,
/// or the other end says something that it should not.
int serve_decoder(Channel channel);

}  // namespace timbre
