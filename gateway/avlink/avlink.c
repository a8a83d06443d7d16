/* avlink: the program; what it does stands in gateway/avlink/role.h. */
#include "gateway/avlink/role.h"

int main(int argc, char **argv)
{
    return role_main(argc, argv, &avlink_role);
}
