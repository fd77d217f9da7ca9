package gzip

import "hash/crc32"

// combine returns the CRC-32 of a text of which the first part has the CRC a, and
// the second, of n bytes, the CRC b.
//
// A CRC is a polynomial over GF(2), modulo the one of IEEE 802.3: a byte more is
// a multiplication by x^8, and the CRCs of two parts add up.
func combine(a, b uint32, n int) uint32 {
	for i := 0; n > 0 && a != 0; i, n = i+1, n>>1 {
		if n&1 != 0 {
			a = multiply(a, powers[i%len(powers)])
		}
	}
	return a ^ b
}

// multiply multiplies two polynomials, whose highest bit is the coefficient of
// x^0.
func multiply(a, b uint32) uint32 {
	product := uint32(0)
	for ; a != 0; a <<= 1 {
		product ^= b & -(a >> 31)
		b = b>>1 ^ crc32.IEEE&-(b&1)
	}
	return product
}

// powers has x^8, and after each its square. The square of the last is x^8 again.
var powers = [32]uint32{
	0x00800000, 0x00008000, 0xedb88320, 0xb1e6b092, 0xa06a2517, 0xed627dae, 0x88d14467, 0xd7bbfe6a,
	0xec447f11, 0x8e7ea170, 0x6427800e, 0x4d47bae0, 0x09fe548f, 0x83852d0f, 0x30362f1a, 0x7b5a9cc3,
	0x31fec169, 0x9fec022a, 0x6c8dedc4, 0x15d6874d, 0x5fde7a4e, 0xbad90e37, 0x2e4e5eef, 0x4eaba214,
	0xa8a472c0, 0x429a969e, 0x148d302a, 0xc40ba6d0, 0xc4e22c3c, 0x40000000, 0x20000000, 0x08000000,
}
