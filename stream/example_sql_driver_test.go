package stream_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"strings"
	"sync"
)

// testDB stands for a database in ExamplePartition_Mark: it knows that example's statements, and runs them in
// transactions that see what was committed before.
type testDB struct {
	mu          sync.Mutex // guards what follows
	goods       int
	checkpoints map[string]testCheckpoint
}

type testCheckpoint struct {
	position string
	state    []byte
	epoch    int64
}

func openTestDB() *sql.DB { return sql.OpenDB(&testDB{checkpoints: map[string]testCheckpoint{}}) }

func (d *testDB) Connect(context.Context) (driver.Conn, error) { return &testConn{db: d}, nil }
func (d *testDB) Driver() driver.Driver                        { return nil }

// testConn is a connection with at most one transaction, whose writes wait for its commit.
type testConn struct {
	db     *testDB
	begun  bool
	writes []func()
}

func (c *testConn) Prepare(string) (driver.Stmt, error) {
	return nil, fmt.Errorf("no prepared statements")
}
func (c *testConn) Close() error { return nil }

func (c *testConn) Begin() (driver.Tx, error) {
	c.begun = true
	return c, nil
}

func (c *testConn) Commit() error {
	c.db.mu.Lock()
	defer c.db.mu.Unlock()
	for _, write := range c.writes {
		write()
	}
	return c.Rollback()
}

func (c *testConn) Rollback() error {
	c.begun, c.writes = false, nil
	return nil
}

func (c *testConn) ExecContext(_ context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.db.mu.Lock()
	defer c.db.mu.Unlock()
	switch {
	case !c.begun:
		return nil, fmt.Errorf("the example writes in transactions only")
	case strings.HasPrefix(query, "insert into goods"):
		c.writes = append(c.writes, func() { c.db.goods++ })
		return driver.RowsAffected(1), nil
	case strings.HasPrefix(query, "update checkpoints"):
		key := keyOf(args[2:5])
		row := c.db.checkpoints[key]
		if row.epoch != args[5].Value.(int64) {
			return driver.RowsAffected(0), nil
		}
		row.position = args[0].Value.(string)
		row.state, _ = args[1].Value.([]byte)
		c.writes = append(c.writes, func() { c.db.checkpoints[key] = row })
		return driver.RowsAffected(1), nil
	}
	return nil, fmt.Errorf("unknown statement %q", query)
}

func (c *testConn) QueryContext(_ context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.db.mu.Lock()
	defer c.db.mu.Unlock()
	switch {
	case strings.HasPrefix(query, "select count"):
		return &testRows{rows: [][]driver.Value{{int64(c.db.goods)}}}, nil
	case strings.HasPrefix(query, "insert into checkpoints"):
		row := c.db.checkpoints[keyOf(args)]
		if row.epoch == 0 {
			row.position = "0"
		}
		row.epoch++
		c.db.checkpoints[keyOf(args)] = row
	}
	row, ok := c.db.checkpoints[keyOf(args)]
	if !ok {
		return &testRows{}, nil
	}
	return &testRows{rows: [][]driver.Value{{row.position, row.state, row.epoch}}}, nil
}

func keyOf(args []driver.NamedValue) string {
	return fmt.Sprintf("%q %q %q", args[0].Value, args[1].Value, args[2].Value)
}

type testRows struct{ rows [][]driver.Value }

func (r *testRows) Columns() []string {
	if len(r.rows) == 0 {
		return nil
	}
	return make([]string, len(r.rows[0]))
}

func (r *testRows) Close() error { return nil }

func (r *testRows) Next(into []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	copy(into, r.rows[0])
	r.rows = r.rows[1:]
	return nil
}
