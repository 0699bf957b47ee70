r"""Archives: named arrays and JSON sections in one msgpack file. This text specifies the format.

A file is a stream of msgpack objects, so any msgpack library reads it, one object after another:

    prefix      bin   64 bytes with its tag
    directory   map   what the file holds, and a digest of each part
    padding     bin   zeros
    document    bin   all JSON sections as one JSON object, {section name: value}
    padding     bin   zeros                                      } again for each chunk
    chunk       bin   a tensor's bytes, or 2^30 of them          } of each tensor

and ends with its last chunk. A *digest* is XXH3-128 with seed 0: 16 bytes, most significant first.
A *name* is 1 to 256 of ``A-Z a-z 0-9 _ . - /``: parts between slashes, each of which is not empty
and does not start with a dot.

The prefix. Integers are unsigned, least significant byte first. Later versions keep its layout, so
that a reader can tell a newer file from a damaged one:

    offset  size
         0     2   C4 3E, which is msgpack's tag of a bin of 62 bytes
         2    12   the ASCII text "tinynet-ckpt"
        14     2   version of the format, 1
        16     8   length of the file in bytes
        24     8   length of the directory in bytes
        32    16   digest of the directory
        48    16   digest of the 48 bytes before

The directory, in msgpack's shortest spelling. It has these keys, in this order:

    "run_id"    str: a name that all files of one run share
    "step"      int, 0 to 2^63 - 1: orders the files of one run
    "sections"  [length of the document in bytes, its digest]
    "tensors"   {name: [dtype, shape, digest of its bytes]}, ascending by the names' ASCII codes

A dtype is one of bool, float16, float32, float64, int8, int16, int32, int64, uint8, uint16, uint32
and uint64. A shape is an array of at most 8 integers from 0 on; their product, zeros left out,
times the size of an element is at most 2^63 - 1.

The parts behind it follow one another in the directory's order. The document, and each chunk, is
a bin 32 (C6, then its length in four bytes, even where a shorter tag would do). Before it stands a
bin 8 (C4, then its length in one byte) of 0 to 63 zeros: as many as make the contents of the bin
32 start at a multiple of 64. So no offset is stored, and nothing can overlap.

The document is JSON in one canonical form, in ASCII: section names are any strings; keys ascending
by code point and never twice; no white space; escaped only what must be, as
``\" \\ \b \f \n \r \t`` or else ``\u`` and four lower-case hexadecimal digits (two surrogates,
always as a pair, beyond U+FFFF); integers in at most 4,300 digits, no ``-0`` and no leading zero;
other numbers in the fewest digits that read back as the same float64, as Python's ``repr`` writes
them (``1.0``, ``0.0001``, ``1e-05``, ``1e+16``); no NaN and no infinity.

A tensor's bytes are its elements, last axis fastest, each least significant byte first: integers
in two's complement, floats in IEEE 754, a bool as 0 or 1. They are cut into chunks of 2^30 bytes;
the last chunk is the rest. A tensor without elements has no chunk.

A reader rejects a file that violates any rule above. It checks every length against the actual
length of the file, and checks these limits before it allocates: directory 24 MiB; 65,536
tensors; document 4 MiB, 128 arrays and objects deep, with at most 2^18 commas, colons and opening
brackets outside of strings. All of them can be reached together.
"""

from tinynet.archive.reading import Archive as Archive
from tinynet.archive.reading import read as read
from tinynet.archive.reading import read_outline as read_outline
from tinynet.archive.writing import check as check
from tinynet.archive.writing import write as write
