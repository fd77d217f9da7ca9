// Package small has of what package slices has those functions that take most room
// in a program, in a tenth of the code. A sort of package slices is seven kilobytes,
// and an insertion two, for each type of element.
package small

// run is the length up to which an insertion sort is the quickest.
const run = 12

// Sort sorts a list, and keeps the order of elements that are equal. It merges: that
// takes memory for half of the list if it is longer than a dozen.
func Sort[E any](list []E, compare func(a, b E) int) {
	if len(list) <= run {
		insert(list, compare)
		return
	}
	merge(list, make([]E, len(list)/2), compare)
}

func insert[E any](list []E, compare func(a, b E) int) {
	for i := 1; i < len(list); i++ {
		e, j := list[i], i
		for ; j > 0 && compare(list[j-1], e) > 0; j-- {
			list[j] = list[j-1]
		}
		list[j] = e
	}
}

// merge sorts both halves, and then all. What is sorted already costs one comparison
// for each element.
func merge[E any](list, memory []E, compare func(a, b E) int) {
	if len(list) <= run {
		insert(list, compare)
		return
	}
	half := len(list) / 2
	merge(list[:half], memory, compare)
	merge(list[half:], memory, compare)
	if compare(list[half-1], list[half]) <= 0 {
		return
	}
	left, right := memory[:copy(memory, list[:half])], list[half:]
	for i := range list {
		if len(left) == 0 {
			return // what is left is in its place
		}
		if len(right) > 0 && compare(left[0], right[0]) > 0 {
			list[i], right = right[0], right[1:]
		} else {
			list[i], left = left[0], left[1:]
		}
	}
}

// Insert puts an element into a list in the place i. As append, it may change the
// memory of the list. It is not inlined, to be shared by all types of pointers.
//
//go:noinline
func Insert[E any](list []E, i int, e E) []E {
	list = append(list, e)
	copy(list[i+1:], list[i:])
	list[i] = e
	return list
}
