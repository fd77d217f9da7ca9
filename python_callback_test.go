package fennel_test

import "github.com/fennelmetrics/fennel"

// setFunction makes a gauge one that a function has, which is another metric: the
// handle of the first one does nothing any more.
func (m *pythonMachine) setFunction(s *pythonStep) error {
	gauge, calls := m.declared[s.Var], 0
	m.reg.Forget(gauge.fullName())
	_, err := fennel.Try(func() *fennel.Callback {
		return fennel.NewGaugeFunc(gauge.fullName(), gauge.help(), func() float64 {
			calls++
			return number(m.t, s.Returns[calls-1])
		}, fennel.In(m.reg))
	})
	return err
}
