-- Contacts per 1,000 residents by district in a year. Districts that delivered nothing come last, empty.
select
    territory_label as district,
    n_contacts,
    contacts_per_1000,
    n_deliveries_received || ' di ' || n_deliveries_expected as months_received
from mart_demand.contact_monthly
where
    period_type = 'year'
    and territory_level = 'district'
    and year_number = 2013
order by contacts_per_1000 desc nulls last;
