//! A gzip bomb without a gzip library.

/// `size` zero bytes as a valid gzip file (RFC 1952), about a thousandth of the size.
///
/// The file is one Deflate block (RFC 1951 §3.2.7) with its own Huffman codes: two bits encode 258 more zeros. Blocks
/// with the standard codes would take 13 bits, and a bomb should stay below a limit on the *compressed* bytes.
///
/// `size` is rounded up to 1 + a multiple of 258.
pub fn zeros(size: u32) -> Vec<u8> {
    let repeats = size.saturating_sub(1).div_ceil(258);
    let size = 1 + repeats * 258;

    let mut bits = Bits::default();
    bits.push(1, 1); // the last block
    bits.push(0b10, 2); // with its own codes
    bits.push(29, 5); // 286 literal and length codes
    bits.push(0, 5); // 1 distance code
    bits.push(14, 4); // the lengths of 18 code length codes follow, in the format's own order
    // Order: 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1. Used: 18 ("many zeros") with 1 bit, 1 and 2 with 2 bits each.
    for length in [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2] {
        bits.push(length, 3);
    }
    // The canonical codes that follow from these lengths, in the order in which they are sent: 18 = 0, 1 = 10, 2 = 11.
    let (one, two) = ((0b01, 2), (0b11, 2));
    let skip = |bits: &mut Bits, n: u32| {
        bits.push(0, 1);
        bits.push(n - 11, 7);
    };
    bits.push(two.0, two.1); // literal 0: 2 bits
    skip(&mut bits, 138);
    skip(&mut bits, 117);
    bits.push(two.0, two.1); // 256, the end: 2 bits
    skip(&mut bits, 28);
    bits.push(one.0, one.1); // 285, "258 bytes again": 1 bit
    bits.push(one.0, one.1); // distance 1: 1 bit
    // Hence: 285 = 0, literal 0 = 10, 256 = 11; distance 1 = 0.
    bits.push(0b01, 2);
    for _ in 0..repeats {
        bits.push(0b00, 2);
    }
    bits.push(0b11, 2);

    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    file.extend(bits.finish());
    file.extend(crc32_of_zeros(size).to_le_bytes());
    file.extend(size.to_le_bytes());
    file
}

/// Lowest bit first. Huffman codes go highest bit first, so they are written mirrored above.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: u32, bits: u32) {
        self.held |= value << self.count;
        self.count += bits;
        while self.count >= 8 {
            self.bytes.push((self.held & 0xff) as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.push(0, 7);
        self.bytes
    }
}

/// The checksum of `n` zero bytes. A zero byte multiplies the state by x^8, so `n` of them multiply it by x^(8n), which squaring finds
/// at once; going byte by byte through 200 MB would take an unoptimised test seconds.
fn crc32_of_zeros(n: u32) -> u32 {
    let mut power = 1 << 23; // x^8: bits are mirrored, 1 << 31 is x^0
    let mut state = u32::MAX;
    let mut n = n;
    while n > 0 {
        if n & 1 == 1 {
            state = multiply(state, power);
        }
        power = multiply(power, power);
        n >>= 1;
    }
    !state
}

/// Modulo the polynomial of gzip's checksum.
fn multiply(a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    for bit in (0..32).rev() {
        if a >> bit & 1 == 1 {
            product ^= b;
        }
        b = if b & 1 == 1 { b >> 1 ^ 0xedb8_8320 } else { b >> 1 };
    }
    product
}
