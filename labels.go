package fennel

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strconv"
	"unsafe"

	"github.com/fennelmetrics/fennel/internal/series"
)

// Label is the name and the value of a label.
type Label struct {
	Name  string
	Value string
}

// schema says how to take the label values out of a label set of one Go type.
// It is made once, by reflection; look-ups only follow offsets.
type schema struct {
	typ    reflect.Type
	names  []string
	fields []labelField
	// plain says that all labels are strings. In memory such a label set is an
	// array of strings, and is taken as that.
	plain bool
}

type labelField struct {
	offset uintptr
	kind   reflect.Kind
}

// newSchema returns the schema of a label set type: a struct whose fields have
// label tags, or an array of strings or a single string, whose labels are named
// by the option [LabelNames].
func newSchema(typ reflect.Type, names []string) (*schema, error) {
	s := &schema{typ: typ, names: names, plain: true}
	switch typ.Kind() {
	case reflect.Struct:
		if names != nil {
			return nil, fmt.Errorf("label set %v is a struct, whose fields name the labels: drop the option LabelNames", typ)
		}
		return s, s.addFields(typ)
	case reflect.Array:
		for i := range typ.Len() {
			if err := s.add(typ.Elem(), uintptr(i)*typ.Elem().Size(), fmt.Sprintf("element %d", i)); err != nil {
				return nil, err
			}
		}
	default:
		if err := s.add(typ, 0, "the value"); err != nil {
			return nil, err
		}
	}
	if len(names) != len(s.fields) {
		return nil, fmt.Errorf("label set %v needs %d label names and has %d: name each with the option LabelNames", typ, len(s.fields), len(names))
	}
	return s, nil
}

func (s *schema) addFields(typ reflect.Type) error {
	for i := range typ.NumField() {
		f := typ.Field(i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			return fmt.Errorf("label set %v: it embeds %v: write the fields of that out", typ, f.Type)
		}
		name, ok := f.Tag.Lookup("label")
		if !ok {
			return fmt.Errorf("label set %v: field %s has no tag: add `label:\"name\"`", typ, f.Name)
		}
		if err := s.add(f.Type, f.Offset, "field "+f.Name); err != nil {
			return err
		}
		s.names = append(s.names, name)
	}
	return nil
}

func (s *schema) add(typ reflect.Type, offset uintptr, what string) error {
	switch k := typ.Kind(); k {
	case reflect.String:
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		s.plain = false
	default:
		return fmt.Errorf("label set %v: %s is of type %v: a label is a string, a bool or an integer", s.typ, what, typ)
	}
	s.fields = append(s.fields, labelField{offset, typ.Kind()})
	return nil
}

// Sizes of a look-up's working memory, which lies on the stack.
const (
	stackLabels = 8
	stackDigits = 64
)

// get returns the series of the label set at p. It is kept out of [Vec.With], which
// would clear the working memory even where all labels are strings.
func (s *schema) get(t *series.Table, p unsafe.Pointer) *series.Series {
	var values [stackLabels]string
	var digits [stackDigits]byte
	return t.Get(s.values(p, values[:0], digits[:0]))
}

// strings returns the label set at p, of a type whose labels are all strings. It
// slices an array, since unsafe.Slice also asks whether the address space is large
// enough for them. Nobody has a million labels.
func (s *schema) strings(p unsafe.Pointer) []string {
	return (*[1 << 20]string)(p)[:len(s.fields):len(s.fields)]
}

// values returns the label values of the label set at p. They are put into
// values and their digits into digits as far as there is room.
func (s *schema) values(p unsafe.Pointer, values []string, digits []byte) []string {
	if s.plain {
		return s.strings(p)
	}
	if len(s.fields) > cap(values) {
		return s.manyValues(p)
	}
	for i := range s.fields {
		f := &s.fields[i]
		at := unsafe.Add(p, f.offset)
		switch f.kind {
		case reflect.String:
			values = append(values, *(*string)(at))
		case reflect.Bool:
			values = append(values, strconv.FormatBool(*(*bool)(at)))
		default:
			start := len(digits)
			digits = f.appendValue(digits, at)
			text := (*byte)(noescape(unsafe.Pointer(&digits[start])))
			values = append(values, unsafe.String(text, len(digits)-start))
		}
	}
	return values
}

// manyValues is values for when they don't fit on the stack. Nothing on the heap
// may point to the stack, so each has memory of its own.
func (s *schema) manyValues(p unsafe.Pointer) []string {
	values := make([]string, len(s.fields))
	for i := range s.fields {
		f := &s.fields[i]
		if f.kind == reflect.String {
			values[i] = *(*string)(unsafe.Add(p, f.offset))
		} else {
			values[i] = string(f.appendValue(nil, unsafe.Add(p, f.offset)))
		}
	}
	return values
}

// noescape hides p from escape analysis, which can't see that the digits of a
// look-up live as long as the values that point to them. It holds only for
// values that are on the stack themselves: a stack that moves takes care of
// pointers in itself, and in nothing else. So nothing that gets the values may
// keep one without cloning it.
func noescape(p unsafe.Pointer) unsafe.Pointer {
	x := uintptr(p)
	return *(*unsafe.Pointer)(unsafe.Pointer(&x))
}

// appendValue formats a bool or an integer.
func (f *labelField) appendValue(dst []byte, p unsafe.Pointer) []byte {
	switch f.kind {
	case reflect.Bool:
		return strconv.AppendBool(dst, *(*bool)(p))
	case reflect.Int:
		return appendInt(dst, int64(*(*int)(p)))
	case reflect.Int8:
		return appendInt(dst, int64(*(*int8)(p)))
	case reflect.Int16:
		return appendInt(dst, int64(*(*int16)(p)))
	case reflect.Int32:
		return appendInt(dst, int64(*(*int32)(p)))
	case reflect.Int64:
		return appendInt(dst, *(*int64)(p))
	case reflect.Uint:
		return appendUint(dst, uint64(*(*uint)(p)))
	case reflect.Uint8:
		return appendUint(dst, uint64(*(*uint8)(p)))
	case reflect.Uint16:
		return appendUint(dst, uint64(*(*uint16)(p)))
	case reflect.Uint32:
		return appendUint(dst, uint64(*(*uint32)(p)))
	default:
		return appendUint(dst, *(*uint64)(p))
	}
}

func appendInt(dst []byte, n int64) []byte {
	if n < 0 {
		return strconv.AppendInt(dst, n, 10)
	}
	return appendUint(dst, uint64(n))
}

// appendUint formats numbers of up to three digits, which most are that are labels,
// in a fraction of the time that strconv takes. They are written in one piece: the
// look-up reads them at once, in other pieces, and would wait for single bytes to
// reach the cache.
func appendUint(dst []byte, n uint64) []byte {
	if n > 999 || cap(dst)-len(dst) < 4 {
		return strconv.AppendUint(dst, n, 10)
	}
	d, length := uint32(n), 3
	text := '0'*0x010101 + d/100 + d/10%10<<8 + d%10<<16
	if n < 100 {
		text, length = text>>8, 2
	}
	if n < 10 {
		text, length = text>>8, 1
	}
	end := len(dst)
	binary.LittleEndian.PutUint32(dst[end:end+4], text)
	return dst[:end+length]
}

// set is the reverse of values: it fills the label set at v. It reports whether
// the values fit, which those of another label set type for the same metric may
// not do.
func (s *schema) set(v reflect.Value, values []string) (ok bool) {
	for i, value := range values {
		f := v
		switch v.Kind() {
		case reflect.Struct:
			// An unexported field can be read but not set by reflection alone.
			f = reflect.NewAt(v.Field(i).Type(), v.Field(i).Addr().UnsafePointer()).Elem()
		case reflect.Array:
			f = v.Index(i)
		}
		if !setLabel(f, value) {
			return false
		}
	}
	return true
}

// setLabel parses what appendValue wrote.
func setLabel(f reflect.Value, value string) bool {
	var err error
	switch {
	case f.Kind() == reflect.String:
		f.SetString(value)
	case f.Kind() == reflect.Bool:
		f.SetBool(value == "true")
		return value == "true" || value == "false"
	case f.CanInt():
		var n int64
		n, err = strconv.ParseInt(value, 10, f.Type().Bits())
		f.SetInt(n)
	default:
		var n uint64
		n, err = strconv.ParseUint(value, 10, f.Type().Bits())
		f.SetUint(n)
	}
	return err == nil
}
