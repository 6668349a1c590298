-- One row per change of a registered person between two snapshots; segments split by a late snapshot are left out.
select
    change.delivery_id,
    change.segment_id,
    change.snapshot_on,
    change.change_type,
    change.person_ref,
    change.sex_code,
    change.birth_month_on,
    change.citizenship_code,
    change.residence_comune_code,
    change.residence_ausl_code,
    change.assistance_ausl_code,
    change.status_code,
    change.status_on,
    change.death_on
from {{ source('raw', 'naar__person') }} as change
inner join {{ source('landing', 'registry_segment') }} as segment
    on change.segment_id = segment.segment_id
where segment.superseded_by_delivery_id is null
