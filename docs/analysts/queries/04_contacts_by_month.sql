-- Contacts by month in the region, with how many districts sent: a low month may be a silent sender.
select
    period_start_on as month_on,
    n_contacts,
    n_deliveries_received,
    n_deliveries_expected
from mart_demand.contact_monthly
where
    period_type = 'month'
    and territory_level = 'region'
order by month_on;
