package stream_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A batch and its checkpoint in one transaction of the service's own database: exactly-once effects on any backend. The
// epoch in the update makes the transaction of a member that has lost the partition fail.
func ExamplePartition_Mark() {
	ctx := context.Background()
	db := openTestDB()
	defer db.Close()
	b := open("orders")
	fill(b, "orders", "a=book", "b=pens", "c=mugs")

	cp := &sqlCheckpointer{db}
	c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{
		Group: "g", Streams: []string{"orders"}, End: stream.Latest(), Checkpointer: cp,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("run:", c.Run(ctx, insertAll(db, cp)))

	var rows int
	err = db.QueryRow("select count(*) from goods").Scan(&rows)
	fmt.Println("rows:", rows, err)
	saved, err := cp.Load(ctx, stream.CheckpointKey{Group: "g", Stream: "orders", Partition: "0"})
	fmt.Println("checkpoint:", saved.Position, "epoch:", saved.Epoch, err)
	// Output:
	// run: <nil>
	// rows: 3 <nil>
	// checkpoint: 3 epoch: 1 <nil>
}

func insertAll(db *sql.DB, cp *sqlCheckpointer) stream.Handler {
	return func(ctx context.Context, p *stream.Partition) error {
		for recs, err := range p.Batches(ctx, 500, time.Second) {
			if err != nil {
				return err
			}
			if len(recs) == 0 {
				continue
			}
			if err := insert(ctx, db, cp, p, recs); err != nil {
				return err
			}
		}
		return nil
	}
}

func insert(ctx context.Context, db *sql.DB, cp *sqlCheckpointer, p *stream.Partition, recs []stream.Record) (err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	for i := range recs {
		if _, err := tx.ExecContext(ctx, "insert into goods values ($1)", recs[i].Value); err != nil {
			return err
		}
	}
	key, mark, err := p.Mark(&recs[len(recs)-1], nil)
	if err != nil {
		return err
	}
	if err := cp.SaveTx(ctx, tx, key, mark); err != nil {
		return err
	}
	return tx.Commit()
}

// sqlCheckpointer keeps checkpoints in a table: grp, stream, part, position, state, epoch.
type sqlCheckpointer struct{ db *sql.DB }

func (s *sqlCheckpointer) Acquire(ctx context.Context, k stream.CheckpointKey) (stream.Checkpoint, error) {
	row := s.db.QueryRowContext(ctx, "insert into checkpoints values ($1, $2, $3, '0', null, 1) "+
		"on conflict (grp, stream, part) do update set epoch = checkpoints.epoch + 1 returning position, state, epoch",
		k.Group, k.Stream, k.Partition)
	return scanCheckpoint(row)
}

func (s *sqlCheckpointer) Load(ctx context.Context, k stream.CheckpointKey) (stream.Checkpoint, error) {
	row := s.db.QueryRowContext(ctx, "select position, state, epoch from checkpoints where grp = $1 and stream = $2 and part = $3",
		k.Group, k.Stream, k.Partition)
	c, err := scanCheckpoint(row)
	if errors.Is(err, sql.ErrNoRows) {
		return stream.Checkpoint{}, nil
	}
	return c, err
}

func (s *sqlCheckpointer) Save(ctx context.Context, k stream.CheckpointKey, c stream.Checkpoint) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := s.SaveTx(ctx, tx, k, c); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// SaveTx is Save inside a transaction of the caller's.
func (s *sqlCheckpointer) SaveTx(ctx context.Context, tx *sql.Tx, k stream.CheckpointKey, c stream.Checkpoint) error {
	res, err := tx.ExecContext(ctx, "update checkpoints set position = $1, state = $2 where grp = $3 and stream = $4 and part = $5 and epoch = $6",
		c.Position.String(), c.State, k.Group, k.Stream, k.Partition, c.Epoch)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(stream.ErrLost, err)
	}
	return nil
}

func scanCheckpoint(row *sql.Row) (c stream.Checkpoint, err error) {
	var position string
	if err := row.Scan(&position, &c.State, &c.Epoch); err != nil {
		return c, err
	}
	return c, c.Position.UnmarshalText([]byte(position))
}
