-- Each receipt counts the deliveries of its file's name: without an index every sheaf read the whole ledger.
create index delivery_file_name on landing.delivery (file_name);
