-- Rows that are new are vacuumed when they have changed or gone, not before.
alter table task set (autovacuum_vacuum_insert_threshold = -1);
alter table job set (autovacuum_vacuum_insert_threshold = -1);
