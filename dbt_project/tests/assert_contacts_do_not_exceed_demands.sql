-- Every contact has a demand, so contacts above demands mean that something was counted twice or lost.
select
    period_type,
    period_start_on,
    territory_code,
    n_contacts,
    n_demands
from {{ ref('contact_monthly') }}
where n_contacts > n_demands
