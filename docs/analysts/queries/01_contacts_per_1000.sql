-- Question: how many contacts per 1,000 residents did each district have in the newest year?
-- Caveat: residents are ISTAT's of residents_on; where months are missing the rate is over residents of those that came.
select
    territory_code as district_code,
    territory_label as district_label,
    n_contacts,
    n_residents,
    residents_on,
    contacts_per_1000,
    n_deliveries_received || '/' || n_deliveries_expected as months_received
from mart_demand.contact_monthly
where
    period_type = 'year'
    and territory_level = 'district'
    and year_number = (select max(year_number) from mart_demand.contact_monthly)
order by contacts_per_1000 desc nulls last, district_code;
