#pragma once
#include <zlib.h>

// A macro that Swift cannot see. 15 + 16 is gzip with the largest window.
static inline int facet_inflate_init_gzip(z_stream *stream) {
    return inflateInit2(stream, 15 + 16);
}
