-- Completed tasks that the customer has not reviewed are a list of their own, with a total.
create index task_to_be_reviewed on task (space_id, id) where status = 'completed' and customer_review_status is null;
